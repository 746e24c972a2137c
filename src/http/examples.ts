import type { ApiKey, ApiKeyDeleted, ApiKeyList, NewApiKey } from '../contract/access.ts';
import type { Account, LedgerEntry, LedgerEntryList, Quote } from '../contract/account.ts';
import type { ModelCard, Video, VideoList } from '../contract/job.ts';
import type { VideoDeleted } from '../contract/video-event.ts';
import type { WebhookSecret } from '../contract/webhook.ts';
import type { Example } from './route.ts';
import { signedLinks } from './signed-link.ts';

// The tests send every request here to a service with the sprite model and compare what it answers. Numbers that a
// model brings along are its present ones.

const id = 'video_7d34eb9c8f8d5c4ad5d410db582acc4ef54083c59106bc361f0915414f0e73f2';

const path = { id };

const walk: Video = {
  id,
  object: 'video',
  status: 'queued',
  progress: 0,
  model: 'sprite',
  prompt: 'walk',
  labels: [{ from: 0, label: 'walk' }],
  seconds: '3',
  size: '64x64',
  frames: { requested: 24, committed: 0 },
  interval: 1,
  seed: 7,
  legs: [{ from: 0, seed: 7, interval: 1 }],
  forked_from: null,
  decode_steps: 2,
  head_steps: 2,
  temperature: 0.5,
  first_frame: { decode_steps: 16, head_steps: 4, temperature: 0.8 },
  palette: 'first_frame',
  metadata: {},
  cost: { quoted: 1392, held: 1392, captured: 0, released: 0 },
  links: signedLinks(id, '1790086960.acme.Vq3nKp0sXw7uYh2cRz5tLm8dGj4bEa6fQi9oTk1xBvU'),
  created_at: 1_790_000_000,
  completed_at: null,
  expires_at: null,
  error: null,
  webhook: null,
};

const finished: Video = {
  ...walk,
  status: 'completed',
  progress: 100,
  frames: { requested: 24, committed: 24 },
  cost: { quoted: 1392, held: 0, captured: 1392, released: 0 },
  completed_at: 1_790_000_004,
  expires_at: 1_792_592_004,
};

const begun: Video = {
  ...walk,
  status: 'in_progress',
  progress: 50,
  frames: { requested: 24, committed: 12 },
  cost: { quoted: 1392, held: 696, captured: 696, released: 0 },
};

const account: Account = {
  id: 'local',
  object: 'account',
  balance: { purchased: 100_000, available: 98_320, held: 840, spent: 840 },
};

const held: LedgerEntry = {
  id: 'entry_2',
  object: 'ledger_entry',
  kind: 'hold',
  credits: 1680,
  debit: 'available',
  credit: 'held',
  video: id,
  hold: 0,
  reference: null,
  balance: { purchased: 100_000, available: 98_320, held: 1680, spent: 0 },
  created_at: 1_790_000_000,
};

const captured: LedgerEntry = {
  ...held,
  id: 'entry_3',
  kind: 'capture',
  credits: 840,
  debit: 'held',
  credit: 'spent',
  balance: account.balance,
  created_at: 1_790_000_002,
};

const ended = {
  progress: begun.progress,
  frames: begun.frames,
  cost: { quoted: 1392, held: 0, captured: 696, released: 696 },
};

/** A red square in 8x8 transparent pixels, so that the request can be read, and sent. */
const picture =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAYAAADED76LAAAAFklEQVR42mNgoBo4oaHxHxkPhAKyAQA6nyFxbeuI7QAAAABJRU5ErkJggg==';

const sprite: ModelCard = {
  id: 'sprite',
  object: 'model',
  description: 'The default model: 64x64 RGBA characters of LPC proportions, eight actions.',
  licence: 'OGA-BY-3.0 (drawings learned from) and Apache-2.0 (code)',
  precision: 'int8',
  size: '64x64',
  channels: 4,
  frames_per_second: 8,
  labels: ['walk', 'run', 'jump', 'slash', 'backslash', 'halfslash', 'swing', 'idle'],
  frames: { default: 24, maximum: 10_000 },
  interval: { default: 1, maximum: 4 },
  decode_steps: { default: 2, maximum: 16 },
  head_steps: { default: 2, maximum: 100 },
  temperature: { default: 0.5, maximum: 2 },
  first_frame: { decode_steps: 16, head_steps: 4, temperature: 0.8 },
};

const key: ApiKey = {
  id: 'key_01a0c28d5a007d4c97ddb6f6aa8e036f',
  object: 'api_key',
  account: 'acme',
  name: 'Ada',
  scopes: ['read', 'generate'],
  prefix: 'magi_Zt4wq9',
  created_at: 1_790_000_000,
};

const schedule = [
  { from: 0, label: 'walk' },
  { from: 16, label: 'jump' },
];

const webhookUrl = 'https://hooks.example.com/videos';

const secret: WebhookSecret = {
  object: 'webhook_secret',
  secret: `whsec_${'A'.repeat(43)}=`,
  created_at: 1_700_000_000,
  previous_until: null,
};

/** Requests and their answers by the name of the route. */
export const examples = {
  createVideo: [
    { summary: 'A label for the whole video', body: { prompt: 'walk', frames: 24, seed: 7 }, answer: walk },
    {
      summary: 'A first frame and a schedule of labels',
      body: { input_reference: { image_url: picture }, labels: schedule, frames: 24, seed: 7 },
      answer: {
        ...walk,
        prompt: null,
        labels: schedule,
        cost: { quoted: 1265, held: 1265, captured: 0, released: 0 },
      } satisfies Video,
    },
  ],
  notifyWebhook: [
    {
      summary: 'To another URL',
      path,
      body: { webhook_url: webhookUrl },
      answer: {
        ...finished,
        webhook: {
          ...{ url: webhookUrl, event: 'video.completed', status: 'pending' },
          ...{ attempts: 0, last_error: null, next_attempt_at: 1_790_000_100 },
        },
      } satisfies Video,
    },
  ],
  retrieveWebhookSecret: [{ summary: 'The secret', answer: secret }],
  rotateWebhookSecret: [
    {
      summary: 'Another secret',
      answer: {
        ...secret,
        secret: `whsec_${'B'.repeat(43)}=`,
        previous_until: 1_700_086_400,
      } satisfies WebhookSecret,
    },
  ],
  listVideos: [
    {
      summary: 'The newest video',
      query: { limit: '1' },
      answer: {
        object: 'list',
        data: [finished],
        first_id: id,
        last_id: id,
        has_more: false,
      } satisfies VideoList,
    },
  ],
  retrieveVideo: [{ summary: 'A finished video', path, answer: finished }],
  deleteVideo: [
    {
      summary: 'A video',
      path,
      answer: { id, object: 'video.deleted', deleted: true } satisfies VideoDeleted,
    },
  ],
  downloadContent: [
    { summary: 'A GIF, four times as large', path, query: { format: 'gif', scale: '4' } },
    { summary: 'All frames in one picture', path, query: { variant: 'spritesheet' } },
    { summary: 'A ZIP of PNG files', path, query: { format: 'png-sequence' } },
  ],
  downloadFrame: [{ summary: 'The first frame', path: { id, n: '0' } }],
  followVideo: [{ summary: 'Frames with their pictures', path, query: { images: 'data' } }],
  pauseVideo: [
    {
      summary: 'A video that is being made',
      path,
      before: 'in_progress',
      answer: { ...begun, status: 'paused', expires_at: finished.expires_at },
    },
  ],
  resumeVideo: [
    { summary: 'A paused video', path, before: 'paused', answer: { ...begun, status: 'queued' } },
  ],
  cancelVideo: [
    {
      summary: 'A video that is being made',
      path,
      before: 'in_progress',
      answer: { ...finished, ...ended, status: 'cancelled' },
    },
  ],
  extendVideo: [
    {
      summary: 'A second and a half more, jumping',
      path,
      body: { frames: 12, prompt: 'jump' },
      answer: {
        ...finished,
        status: 'queued',
        progress: 66,
        prompt: null,
        labels: [
          { from: 0, label: 'walk' },
          { from: 24, label: 'jump' },
        ],
        seconds: '4.5',
        frames: { requested: 36, committed: 24 },
        cost: { quoted: 2052, held: 660, captured: 1392, released: 0 },
        completed_at: null,
        expires_at: null,
      } satisfies Video,
    },
  ],
  extendNamedVideo: [
    {
      summary: 'Half a second more',
      body: { video: { id }, seconds: '0.5' },
      answer: {
        ...finished,
        status: 'queued',
        progress: 85,
        seconds: '3.5',
        frames: { requested: 28, committed: 24 },
        cost: { quoted: 1612, held: 220, captured: 1392, released: 0 },
        completed_at: null,
        expires_at: null,
      } satisfies Video,
    },
  ],
  forkVideo: [
    {
      summary: 'Another future from frame 16 on',
      path,
      body: { frame: 15, prompt: 'jump', seed: 9 },
      answer: {
        ...walk,
        progress: 66,
        prompt: null,
        labels: schedule,
        frames: { requested: 24, committed: 16 },
        cost: { quoted: 440, held: 440, captured: 0, released: 0 },
        seed: 9,
        legs: [...walk.legs, { from: 16, seed: 9, interval: 1 }],
        forked_from: { id, frames: 16 },
      } satisfies Video,
    },
  ],
  createQuote: [
    {
      summary: '24 frames of a model that draws the first frame itself',
      body: { prompt: 'walk', frames: 24 },
      answer: {
        object: 'quote',
        model: 'sprite',
        frames: { requested: 24, paid: 24 },
        credits: { per_frame: 58, total: 1392 },
        expected_seconds: 2.765,
        created_at: 1_790_000_000,
        expires_at: 1_790_000_600,
      } satisfies Quote,
    },
  ],
  retrieveAccount: [{ summary: 'A balance while a video is made', answer: account }],
  listLedger: [
    {
      summary: 'What has happened last',
      query: { limit: '2' },
      answer: {
        object: 'list',
        data: [captured, held],
        first_id: captured.id,
        last_id: held.id,
        has_more: true,
      } satisfies LedgerEntryList,
    },
  ],
  topUpAccount: [
    {
      summary: 'Credits of an invoice',
      body: { credits: 50_000, reference: 'invoice 18' },
      answer: {
        ...account,
        balance: { ...account.balance, purchased: 150_000, available: 148_320 },
      } satisfies Account,
    },
  ],
  createKey: [
    {
      summary: 'A key for a customer',
      body: { account: 'acme', name: 'Ada', scopes: ['read', 'generate'] },
      answer: { ...key, key: `${key.prefix}YVbN2xH0sLkC7uRj3fPd8aTgEo5mWiQz1BcD2` } satisfies NewApiKey,
    },
  ],
  listKeys: [
    {
      summary: 'The keys of an account',
      query: { account: 'acme' },
      answer: {
        object: 'list',
        data: [key],
        first_id: key.id,
        last_id: key.id,
        has_more: false,
      } satisfies ApiKeyList,
    },
  ],
  revokeKey: [
    {
      summary: 'A key',
      path: { id: key.id },
      answer: { id: key.id, object: 'api_key.deleted', deleted: true } satisfies ApiKeyDeleted,
    },
  ],
  listModels: [{ summary: 'One model', answer: { object: 'list', data: [sprite] } }],
  retrieveModel: [{ summary: 'The default model', path: { id: 'sprite' }, answer: sprite }],
} as const satisfies Record<string, readonly Example[]>;
