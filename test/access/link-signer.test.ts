import { describe, expect, it } from 'vitest';
import { linkSigner } from '../../src/access/link-signer.ts';

const hourMs = 3_600_000;
const now = 1_700_000_000_000;
const [older, newer] = ['o'.repeat(40), 'n'.repeat(40)];

function signer(secrets: readonly string[] = [newer], clock = now) {
  return linkSigner({ secrets, hours: 24, clock: () => clock });
}

describe('the token of a link', () => {
  it('tells whose video it opens', async () => {
    const token = await signer().sign('acct_1', 'video_1');
    expect(await signer().verify(token, 'video_1')).toEqual({ account: 'acct_1' });
  });

  it('opens no other video', async () => {
    const token = await signer().sign('acct_1', 'video_1');
    expect(await signer().verify(token, 'video_2')).toBe('invalid');
  });

  it('is invalid with any character changed, left out or added', async () => {
    const token = await signer().sign('acct_1', 'video_1');
    for (let at = 0; at < token.length; at++) {
      for (const other of ['A', 'b', '0', '9', '-', '_', '.', '', `${token[at]}0`]) {
        const altered = token.slice(0, at) + other + token.slice(at + 1);
        if (altered !== token) expect(await signer().verify(altered, 'video_1'), altered).toBe('invalid');
      }
    }
    for (const text of ['', '.', '..', '...', `${token}.`, `${token}.x`, ` ${token}`])
      expect(await signer().verify(text, 'video_1')).toBe('invalid');
  });

  it('is valid for 24 to 25 hours, and the same within an hour', async () => {
    const fullHour = Math.floor(now / hourMs) * hourMs;
    const first = await signer([newer], fullHour + 1).sign('acct_1', 'video_1');
    const last = await signer([newer], fullHour + hourMs).sign('acct_1', 'video_1');
    expect(last).toBe(first);
    const end = fullHour + 25 * hourMs;
    expect(await signer([newer], end - 1).verify(first, 'video_1')).toEqual({ account: 'acct_1' });
    expect(await signer([newer], end).verify(first, 'video_1')).toBe('expired');
    expect(await signer([newer], fullHour + hourMs + 1).sign('acct_1', 'video_1')).not.toBe(first);
  });

  it('is believed after a change of the secret as long as the old one is there', async () => {
    const token = await signer([older]).sign('acct_1', 'video_1');
    expect(await signer([newer, older]).verify(token, 'video_1')).toEqual({ account: 'acct_1' });
    expect(await signer([newer]).verify(token, 'video_1')).toBe('invalid');
    const next = await signer([newer, older]).sign('acct_1', 'video_1');
    expect(await signer([newer]).verify(next, 'video_1')).toEqual({ account: 'acct_1' });
  });
});
