import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { apiDocument } from './documented-answer.ts';
import { TestService } from './test-service.ts';

const answer = await new TestService().request('/docs');
const page = await answer.text();

describe('the reference page', () => {
  it('is HTML that shows every operation and every object', () => {
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    for (const methods of Object.values(apiDocument.paths)) {
      for (const { operationId, summary } of Object.values(methods)) {
        expect(page).toContain(`id="${operationId}"`);
        expect(page).toContain(summary);
      }
    }
    for (const name of Object.keys(apiDocument.components.schemas))
      expect(page).toContain(`<div id="${name}">`);
  });

  it('names no other host, loads nothing and runs nothing', () => {
    const hosts = [...page.matchAll(/\/\/([a-z0-9-]+(\.[a-z0-9-]+)+)/gi)].map(([, host = '']) => host);
    // Addresses in examples are of a domain that belongs to nobody (RFC 2606).
    expect(hosts.filter((host) => !/(^|\.)example\.(com|org|net)$/.test(host))).toEqual([]);
    const targets = [...page.matchAll(/\s(?:href|src|srcset|action|data)="([^"]*)"/g)].map(
      ([, to = '']) => to,
    );
    expect(targets.filter((to) => !/^(#|\/(?!\/))/.test(to))).toEqual([]);
    expect(page).not.toMatch(/<(script|img|iframe|link|object|embed|form|base)\b|\son\w+=|@import|url\(/i);
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(answer.headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
  });

  it('has one id each, and every link within it leads somewhere', () => {
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links.length).toBeGreaterThan(40);
    for (const link of links) expect(ids).toContain(link);
  });
});
