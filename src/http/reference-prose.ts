import { html } from 'hono/html';

export type Html = ReturnType<typeof html>;

/** The little Markdown that descriptions are written in: paragraphs, lists and code. */
export function prose(text: string): Html {
  return html`${text.split('\n\n').map((block) => {
    const items = block.split('\n');
    if (!items.every((item) => item.startsWith('- '))) return html`<p>${inline(block)}</p>`;
    return html`<ul>${items.map((item) => html`<li>${inline(item.slice(2))}</li>`)}</ul>`;
  })}`;
}

function inline(text: string): Html {
  return html`${text.split('`').map((part, index) => (index % 2 === 0 ? part : html`<code>${part}</code>`))}`;
}
