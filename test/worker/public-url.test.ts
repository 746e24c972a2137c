import { expect, it } from 'vitest';
import { urlProblem } from '../../src/contract/public-url.ts';
import { hostileUrls } from '../contract/hostile-urls.ts';

it.each(hostileUrls)('the parser of workerd, too, leads to a refusal of %j as %s', (text, code) => {
  expect(urlProblem(text)?.code).toBe(code);
});
