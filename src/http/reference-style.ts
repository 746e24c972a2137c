/** Looks of the reference page: light or dark as the reader has it, one column where there is no room for two. */
export const referenceStyle = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#fff, #14161b);
  --panel: light-dark(#f5f6f8, #1b1e25);
  --code: light-dark(#1d2430, #0d0f13);
  --text: light-dark(#20242c, #dfe3ea);
  --quiet: light-dark(#5d6675, #98a1b1);
  --line: light-dark(#e3e6eb, #2b303a);
  --accent: light-dark(#4338ca, #a5b4fc);
  --get: light-dark(#0f7b53, #4ade9f);
  --post: light-dark(#4338ca, #a5b4fc);
  --delete: light-dark(#b42335, #fb8a97);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1.5rem; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--ground); color: var(--text); overflow-wrap: break-word; }
a { color: var(--accent); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
h1, h2, h3, h4 { line-height: 1.2; margin: 0; text-wrap: balance; }
h1 { font-size: 2.1rem; letter-spacing: -.02em; }
h2 { font-size: 1.55rem; letter-spacing: -.015em; }
h3 { font-size: 1.2rem; }
h4 { font-size: .8rem; text-transform: uppercase; letter-spacing: .07em; color: var(--quiet); margin: 1.6rem 0 .4rem; }
p, ul { margin: .6rem 0; }
code, pre, .path, .type { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .86em; }
p code, li code, dd code, td code { background: var(--panel); border: 1px solid var(--line); border-radius: 5px; padding: .05em .35em; }
.page { display: grid; grid-template-columns: 17rem minmax(0, 1fr); }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.6rem 1.2rem 3rem; background: var(--panel); border-right: 1px solid var(--line); font-size: .9rem; }
nav .name { display: block; font-weight: 700; font-size: 1.15rem; color: var(--text); margin-bottom: 1.1rem; }
nav ul { list-style: none; margin: .3rem 0 1.1rem; padding: 0; }
nav .chapter { font-weight: 600; color: var(--text); }
nav li li a { display: flex; gap: .55rem; align-items: baseline; padding: .16rem 0; color: var(--quiet); }
nav li li a:hover { color: var(--text); }
.verb { font: 700 .66rem/1 ui-monospace, Menlo, Consolas, monospace; letter-spacing: .04em; flex: none; width: 2.6rem; }
.get { color: var(--get); } .post { color: var(--post); } .delete { color: var(--delete); }
main { padding: 3rem clamp(1.1rem, 4vw, 4rem) 6rem; max-width: 92rem; }
main > section + section { margin-top: 4.5rem; }
.intro { max-width: 46rem; }
.operation { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 27rem); gap: 0 3rem; padding: 2.2rem 0; border-top: 1px solid var(--line); margin-top: 1.6rem; }
.operation > header { grid-column: 1 / -1; }
.operation .path { display: inline-flex; flex-wrap: wrap; gap: .5rem; align-items: baseline; margin-top: .5rem; padding: .3rem .7rem; background: var(--panel); border: 1px solid var(--line); border-radius: 7px; }
.operation .path .verb { width: auto; font-size: .78rem; }
.key { font-size: .82rem; color: var(--quiet); margin-left: .7rem; white-space: nowrap; }
.samples { align-self: start; position: sticky; top: 1.5rem; max-height: calc(100vh - 3rem); overflow-y: auto; margin-top: 1.2rem; }
figure { margin: 0 0 1rem; border-radius: 10px; overflow: hidden; background: var(--code); border: 1px solid light-dark(transparent, #2b303a); }
figcaption { padding: .5rem .9rem; font-size: .78rem; color: #98a3b5; border-bottom: 1px solid #323b4a; }
pre { margin: 0; padding: .8rem .9rem; color: #e4e9f2; overflow-x: auto; font-size: .78rem; line-height: 1.5; max-height: 26rem; }
details > summary { cursor: pointer; }
figure summary { padding: .5rem .9rem; font-size: .78rem; color: #98a3b5; }
dl { margin: 0; }
dl > div { padding: .65rem 0; border-top: 1px solid var(--line); }
dt { display: flex; flex-wrap: wrap; gap: .25rem .6rem; align-items: baseline; }
dt b { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .88rem; }
.type { color: var(--quiet); font-size: .8rem; }
.must { color: var(--delete); font-size: .75rem; }
dd { margin: .15rem 0 0; font-size: .93rem; color: light-dark(#3c4451, #bcc4d1); }
dd p { margin: .2rem 0; }
.refusals { margin-top: 1.6rem; border: 1px solid var(--line); border-radius: 9px; }
.refusals summary { padding: .6rem .9rem; font-size: .9rem; }
.refusals table { width: 100%; border-collapse: collapse; font-size: .86rem; }
.refusals td { border-top: 1px solid var(--line); padding: .45rem .9rem; vertical-align: top; }
.refusals td:first-child { width: 3.6rem; font-weight: 600; }
.refusals p { margin: .15rem 0; }
.objects > div { border-top: 1px solid var(--line); margin-top: 1.6rem; padding-top: 1.6rem; max-width: 52rem; }
@media (max-width: 75rem) {
  .operation { grid-template-columns: minmax(0, 1fr); }
  .samples { position: static; max-height: none; }
}
@media (max-width: 50rem) {
  .page { grid-template-columns: minmax(0, 1fr); }
  nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); padding: 1rem 1.1rem; }
  nav ul ul { display: none; }
  nav .name { margin-bottom: .5rem; }
  nav > ul { display: flex; flex-wrap: wrap; gap: .3rem 1rem; margin-bottom: 0; }
  main { padding-top: 1.6rem; }
  main > section + section { margin-top: 3rem; }
  h1 { font-size: 1.7rem; }
  .key { display: block; margin: .4rem 0 0; }
}
@media print { nav { display: none; } .page { display: block; } }
`;
