import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Runtime } from '../chaos/runtime.ts';
import { apiDocument } from '../http/documented-answer.ts';
import { answersIn, sendRaw } from '../http/raw-connection.ts';
import { SeededRandom } from '../seeded-random.ts';
import { FuzzCampaign } from './fuzz-campaign.ts';
import { fuzzedBytes } from './fuzzed-bytes.ts';
import { fuzzedRequest } from './fuzzed-request.ts';

const dataFolder = await mkdtemp(join(tmpdir(), 'magi-fuzz-'));
const runtime = await Runtime.open({ dataFolder, kind: 'direct' });
await runtime.serve({ UNFINISHED_VIDEOS: '6' });

afterAll(async () => {
  await runtime.close();
  await rm(dataFolder, { recursive: true, force: true });
});

it.each(['[', 'a:99999', 'a, b', 'a%zz'])('a host that is none is refused: %s', async (host) => {
  const { text } = await sendRaw(runtime.address, [`GET /v1/models HTTP/1.1\r\nHost: ${host}\r\n\r\n`]);
  expect(answersIn(text)).toMatchObject([{ status: 400, code: 'host_invalid' }]);
});

describe('2,000 requests that are valid, nearly so, or none', () => {
  it('get no 5xx, nothing that the document does not describe, and leave no error in the log', async () => {
    const campaign = new FuzzCampaign(runtime, 1);
    const problems: string[] = [];
    campaign.onProblem = (problem) => problems.push(problem);
    const figures = await campaign.run(2000);
    expect(problems).toEqual([]);
    expect(figures).toMatchObject({ faults: 0, undocumented: 0, logged: 0, isAlive: true });
    for (const status of [200, 400, 404, 405, 409, 415, 422])
      expect(figures.answers[status], String(status)).toBeGreaterThan(5);
    expect(figures.runtimeAnswers[400]).toBeGreaterThan(10);
  }, 600_000);

  it('are the same from the same seed, and reach every operation of the document', () => {
    const made = (seed: number) => {
      const random = new SeededRandom(seed);
      return JSON.stringify([fuzzedRequest(apiDocument, random), fuzzedBytes(random)]);
    };
    expect(made(7)).toBe(made(7));
    expect(made(7)).not.toBe(made(8));
    const targets = Array.from({ length: 2000 }, (_, seed) =>
      fuzzedRequest(apiDocument, new SeededRandom(seed)),
    );
    for (const [path, operations] of Object.entries(apiDocument.paths)) {
      const pattern = new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}(\\?|$)`);
      for (const verb of Object.keys(operations)) {
        const hits = targets.filter(
          ({ method, target }) => method === verb.toUpperCase() && pattern.test(target),
        );
        expect(hits.length, `${verb} ${path}`).toBeGreaterThan(5);
      }
    }
  });
});
