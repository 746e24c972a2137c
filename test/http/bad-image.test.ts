import { expect, it } from 'vitest';
import { failures } from '../../src/contract/failure.ts';
import { hostileImages } from '../media/hostile-images.ts';
import { refusal, TestService } from './test-service.ts';

const service = new TestService();
const images = await hostileImages();
const field = 'input_reference';

/** A data: URL is a third longer than what it holds, and a body has a limit. */
const mostUrlBytes = 1_000_000;

for (const { name, bytes, outcome } of images) {
  if (outcome === 'taken') continue;
  it(`refuses ${name}, as a file and as a data: URL`, async () => {
    const expected = [failures[outcome].status, outcome, field];
    expect(await refusal(service.postForm({ [field]: bytes }))).toEqual(expected);
    if (bytes.length > mostUrlBytes) return;
    const url = `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`;
    expect(await refusal(service.postJson({ [field]: url }))).toEqual(expected);
    expect(await refusal(service.postJson({ [field]: { image_url: url } }))).toEqual(expected);
  });
}

it('keeps nothing but the pixels of a picture that carries a script or a page', async () => {
  const carriers = images.filter(({ name }) => /script|page/.test(name) && name.startsWith('PNG'));
  expect(carriers.length).toBe(2);
  for (const { bytes } of carriers) {
    await service.postForm({ [field]: bytes });
    const kept = service.jobs.entries.at(-1)?.created.firstFrame ?? new Uint8Array();
    expect(kept.length).toBeGreaterThan(50);
    expect(Buffer.from(kept).toString('latin1')).not.toContain('script');
  }
});

it('refuses a data: URL that is not base64', async () => {
  const answer = service.postJson({ [field]: 'data:image/png;base64,$$$' });
  expect(await refusal(answer)).toEqual([422, 'image_corrupt', field]);
});
