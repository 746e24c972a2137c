import { html, raw } from 'hono/html';
import type { ApiDocument, Operation, OperationAnswer } from './openapi.ts';
import type { JsonSchema } from './openapi-schemas.ts';
import { fieldList, fieldsOf, typeText } from './reference-fields.ts';
import { type Html, prose } from './reference-prose.ts';
import { referenceStyle } from './reference-style.ts';

/** An operation with its address. */
interface Call {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

/** The whole reference as one page without scripts, which loads nothing. */
export async function referencePage(document: ApiDocument): Promise<string> {
  const { info, tags, components } = document;
  const calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  const chapters = tags.map((tag) => ({
    ...tag,
    calls: calls.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
  const page = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title} API</title>
<style>${raw(referenceStyle)}</style>
</head>
<body><div class="page">
<nav aria-label="Contents">
<a class="name" href="#">${info.title} API</a>
<ul>${chapters.map(
    ({ name, calls: of }) =>
      html`<li><a class="chapter" href="#${anchor(name)}">${name}</a><ul>${of.map(
        ({ method, operation }) =>
          html`<li><a href="#${operation.operationId}">${verb(method)}<span>${operation.summary}</span></a></li>`,
      )}</ul></li>`,
  )}<li><a class="chapter" href="#objects">Objects</a><ul>${Object.keys(components.schemas).map(
    (name) => html`<li><a href="#${name}">${name}</a></li>`,
  )}</ul></li></ul>
</nav>
<main>
<section class="intro"><h1>${info.title} API</h1>${prose(info.description)}
<p>For machines: <a href="/openapi.json">openapi.json</a>. In the samples, <code>MAGI</code> is the address of the service, <code>MAGI_KEY</code> a key and <code>ID</code> an id.</p></section>
${chapters.map(
  ({ name, description, calls: of }) =>
    html`<section id="${anchor(name)}"><h2>${name}</h2>${prose(description)}${of.map((call) =>
      callArticle(call, components.schemas),
    )}</section>`,
)}
${objects(components.schemas)}
</main>
</div></body>
</html>`;
  return page.toString();
}

function anchor(name: string): string {
  return name.toLowerCase().replaceAll(' ', '-');
}

function verb(method: string): Html {
  return html`<span class="verb ${method}">${method === 'delete' ? 'DEL' : method.toUpperCase()}</span>`;
}

function callArticle({ method, path, operation }: Call, schemas: ApiDocument['components']['schemas']): Html {
  const { operationId, summary, description, security, responses } = operation;
  const scope = security.find(({ key }) => key)?.key?.[0];
  const takesLink = security.some(({ link }) => link);
  return html`<article class="operation" id="${operationId}">
<header><h3>${summary}</h3><span class="path"><span class="verb ${method}">${method.toUpperCase()}</span>${path}</span>
<span class="key">${scope === undefined ? 'no key needed' : html`key with scope ${scope}${takesLink ? ', or a signed link' : ''}`}</span></header>
<div>${description === undefined ? '' : prose(description)}
${parametersOf(operation)}${bodyOf(operation, schemas)}
${responses[200] === undefined ? '' : answerOf(responses[200])}${refusalsOf(responses)}</div>
<div class="samples">${samplesOf(operation)}</div>
</article>`;
}

function parametersOf({ parameters = [] }: Operation): Html | string {
  return parameters.length === 0 ? '' : html`<h4>Parameters</h4>${fieldList(parameters, true)}`;
}

function bodyOf({ requestBody }: Operation, schemas: ApiDocument['components']['schemas']): Html | string {
  if (requestBody === undefined) return '';
  // The form has all that JSON has, and files.
  const form = requestBody.content['multipart/form-data']?.schema;
  const name = String(form?.$ref).split('/').at(-1) ?? '';
  const types = Object.keys(requestBody.content).join(' or ');
  return html`<h4>Body${requestBody.required ? '' : ' (optional)'}: ${types}</h4>${fieldList(
    fieldsOf(schemas[name] ?? {}),
    true,
  )}`;
}

function answerOf({ description, content }: OperationAnswer): Html {
  const types = Object.entries(content).map(
    ([type, { schema }]) =>
      html`<li><code>${type}</code> ${schema === undefined ? '' : typeText(schema)}</li>`,
  );
  return html`<h4>Answer</h4>${prose(description)}<ul>${types}</ul>`;
}

function refusalsOf(responses: Operation['responses']): Html {
  const refused = Object.entries(responses).filter(([status]) => status !== '200');
  return html`<details class="refusals"><summary>What it may refuse, and how</summary><table>${refused.map(
    ([status, { description }]) => html`<tr><td>${status}</td><td>${prose(description)}</td></tr>`,
  )}</table></details>`;
}

function samplesOf(operation: Operation): Html {
  const answers = Object.values(operation.responses[200]?.content['application/json']?.examples ?? {});
  return html`${operation['x-codeSamples'].map(({ label, source }) => {
    const answer = answers.find(({ summary }) => summary === label);
    return html`<figure><figcaption>${label}</figcaption><pre tabindex="0">${source}</pre>${
      answer === undefined
        ? ''
        : html`<details><summary>Its answer</summary><pre tabindex="0">${JSON.stringify(answer.value, null, 2)}</pre></details>`
    }</figure>`;
  })}`;
}

function objects(schemas: Readonly<Record<string, JsonSchema>>): Html {
  return html`<section class="objects" id="objects"><h2>Objects</h2>${Object.entries(schemas).map(
    ([name, schema]) =>
      html`<div id="${name}"><h3>${name}</h3>${
        schema.description === undefined ? '' : prose(String(schema.description))
      }${fieldList(fieldsOf(schema), name.includes('Request'))}</div>`,
  )}</section>`;
}
