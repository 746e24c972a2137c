import { describe, expect, it } from 'vitest';
import { openHold, settleHolds } from '../../src/billing/holds.ts';
import { Failure } from '../../src/contract/failure.ts';
import { encodePng } from '../../src/media/png.ts';
import { refusal, TestService } from './test-service.ts';

const json = async (answer: Promise<Response>) => (await answer).json();

describe('a quote', () => {
  const now = 1_700_000_000_900;
  const quoted = async (body: unknown) => {
    const service = new TestService({ clock: () => now });
    const quote = (await json(service.postJson(body, '/v1/quotes'))) as Record<string, unknown>;
    expect(service.jobs.entries).toEqual([]);
    expect(service.ledger.book.entries).toEqual([]);
    return quote;
  };

  it('says the price of a frame and of all, how long it takes and until when it holds; it creates nothing', async () => {
    expect(await quoted({ frames: 5 })).toEqual({
      object: 'quote',
      model: 'sample',
      frames: { requested: 5, paid: 5 },
      credits: { per_frame: 4, total: 20 },
      expected_seconds: 1.89,
      created_at: 1_700_000_000,
      expires_at: 1_700_000_600,
    });
  });

  it('is what an order of the same body then holds', async () => {
    const service = new TestService();
    for (const body of [{}, { frames: 1 }, { seconds: '2', decode_steps: 4, head_steps: 50 }]) {
      const { cost } = await service.created(body);
      expect(await quoted(body)).toMatchObject({ credits: { total: cost.quoted } });
    }
  });

  it('rises with the steps', async () => {
    expect(await quoted({ decode_steps: 1, head_steps: 1 })).toMatchObject({ credits: { per_frame: 3 } });
    expect(await quoted({ decode_steps: 4, head_steps: 50 })).toMatchObject({ credits: { per_frame: 10 } });
  });

  it('does not count a given first frame', async () => {
    const png = encodePng({ width: 8, height: 6, channels: 4, pixels: new Uint8Array(192).fill(9) });
    const image_url = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
    expect(await quoted({ frames: 5, input_reference: { image_url } })).toMatchObject({
      frames: { requested: 5, paid: 4 },
      credits: { per_frame: 4, total: 16 },
    });
  });

  it('is refused as an order would be', async () => {
    const service = new TestService();
    for (const [body, status, code, param] of [
      [{ model: 'none' }, 422, 'model_unknown', 'model'],
      [{ frames: 0 }, 422, 'out_of_range', 'frames'],
      [{ colour: 'red' }, 422, 'unknown_field', 'colour'],
      [{ prompt: 'fly' }, 422, 'label_unknown', 'prompt'],
    ] as const)
      expect(await refusal(service.postJson(body, '/v1/quotes'))).toEqual([status, code, param]);
  });
});

describe('an account', () => {
  it('is topped up once under a reference', async () => {
    const service = new TestService();
    const topUp = (credits: number) =>
      service.postJson({ credits, reference: 'invoice 17' }, '/v1/account/topup');
    const account = {
      id: 'local',
      object: 'account',
      balance: { purchased: 500, available: 500, held: 0, spent: 0 },
    };
    for (let time = 0; time < 3; time++) expect(await json(topUp(500))).toEqual(account);
    expect(
      await json(service.postJson({ credits: 5, reference: 'b', account: 'acme' }, '/v1/account/topup')),
    ).toMatchObject({ id: 'acme' });
    expect(await service.ledgerOf('acme').balance()).toMatchObject({ purchased: 5 });
    expect(await refusal(topUp(501))).toEqual([422, 'reference_reused', 'reference']);
    expect(await json(service.request('/v1/account'))).toEqual(account);
  });

  it('is topped up by a form, too', async () => {
    const form = { credits: '500', reference: '17' };
    expect(await json(new TestService().postForm(form, '/v1/account/topup'))).toMatchObject({
      balance: { purchased: 500 },
    });
  });

  it('takes no top-up without a reference, of no credits, or of more than fit', async () => {
    const service = new TestService();
    for (const [body, code, param] of [
      [{ credits: 5 }, 'field_required', 'reference'],
      [{ credits: 5, reference: '' }, 'out_of_range', 'reference'],
      [{ credits: 5, reference: 'a'.repeat(256) }, 'out_of_range', 'reference'],
      [{ credits: 0, reference: 'a' }, 'out_of_range', 'credits'],
      [{ credits: 0.5, reference: 'a' }, 'out_of_range', 'credits'],
      [{ credits: 1e13, reference: 'a' }, 'out_of_range', 'credits'],
      [{ reference: 'a' }, 'field_required', 'credits'],
    ] as const)
      expect(await refusal(service.postJson(body, '/v1/account/topup'))).toEqual([422, code, param]);
    expect(service.ledger.book.entries).toEqual([]);
  });
});

describe('the ledger', () => {
  /** An account with an order of which two frames of three are made, and that is then cancelled. */
  async function used(): Promise<TestService> {
    const service = new TestService();
    const { book } = service.ledger;
    await service.ledger.credit('first', 100);
    openHold(book, { jobId: 'video_1', price: { frames: 3, frameCredits: 10 }, now: 2000, maximum: 9 });
    const told = (captured: number, isFinal: boolean) => ({
      settlements: [{ hold: 0, captured, isFinal }],
      isGone: false,
    });
    settleHolds(book, 'video_1', told(1, false), 3000);
    settleHolds(book, 'video_1', told(2, true), 4000);
    return service;
  }

  it('says what moved, from where to where, why, and what stood there afterwards', async () => {
    const service = await used();
    const { data } = (await json(service.request('/v1/account/ledger?order=asc'))) as { data: object[] };
    expect(data).toMatchObject([
      {
        kind: 'topup',
        credits: 100,
        debit: 'purchased',
        credit: 'available',
        reference: 'first',
        video: null,
      },
      { kind: 'hold', credits: 30, debit: 'available', credit: 'held', video: 'video_1', hold: 0 },
      { kind: 'capture', credits: 10, debit: 'held', credit: 'spent', created_at: 3 },
      { kind: 'capture', credits: 10, debit: 'held', credit: 'spent', created_at: 4 },
      { kind: 'release', credits: 10, debit: 'held', credit: 'available' },
    ]);
    expect(data.at(-1)).toMatchObject({
      id: 'entry_5',
      object: 'ledger_entry',
      balance: { purchased: 100, available: 80, held: 0, spent: 20 },
    });
  });

  it('is read in pages, newest first or oldest first, each entry once', async () => {
    const service = await used();
    for (const order of ['asc', 'desc']) {
      const ids: string[] = [];
      for (let after = ''; ; after = `&after=${ids.at(-1)}`) {
        const page = await json(service.request(`/v1/account/ledger?limit=2&order=${order}${after}`));
        const { data, has_more, first_id, last_id } = page as {
          data: { id: string }[];
          has_more: boolean;
          first_id: string;
          last_id: string;
        };
        ids.push(...data.map(({ id }) => id));
        expect([first_id, last_id]).toEqual([data[0]?.id, data.at(-1)?.id]);
        if (!has_more) break;
      }
      const all = [1, 2, 3, 4, 5].map((position) => `entry_${position}`);
      expect(ids).toEqual(order === 'asc' ? all : all.reverse());
    }
  });

  it('of an account that has had nothing is empty', async () => {
    expect(await json(new TestService().request('/v1/account/ledger'))).toEqual({
      ...{ object: 'list', data: [], first_id: null, last_id: null, has_more: false },
    });
  });

  it('refuses what is no entry and what is no page', async () => {
    const service = new TestService();
    for (const [query, code, param] of [
      ['after=17', 'out_of_range', 'after'],
      ['after=entry_', 'out_of_range', 'after'],
      ['limit=101', 'out_of_range', 'limit'],
      ['order=up', 'out_of_range', 'order'],
      ['page=2', 'unknown_field', 'page'],
    ])
      expect(await refusal(service.request(`/v1/account/ledger?${query}`))).toEqual([422, code, param]);
  });
});

it('an order that is too dear is refused with 402', async () => {
  const service = new TestService();
  service.jobs.create = async () => {
    throw new Failure('insufficient_credits', 'This costs 48 credits, and 7 are available; top up.');
  };
  expect(await refusal(service.postJson({}))).toEqual([402, 'insufficient_credits', null]);
});
