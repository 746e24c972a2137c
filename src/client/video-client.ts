import { z } from 'zod';
import { ErrorBody, ModelCard, Video, VideoList } from '../contract/job.ts';
import type { VideoEvent } from '../contract/video-event.ts';
import { ServiceError } from './service-error.ts';
import { followed } from './video-follower.ts';

/** Fields of a request for a video; docs of the API say what each means. All have defaults. */
export interface VideoOrder {
  readonly model?: string;
  readonly prompt?: string;
  readonly labels?: readonly { readonly from: number; readonly label: string }[];
  /** An image file: PNG, JPEG or WebP. */
  readonly image?: Uint8Array;
  readonly frames?: number;
  readonly interval?: number;
  readonly seed?: number;
  readonly decode_steps?: number;
  readonly head_steps?: number;
  readonly temperature?: number;
  readonly palette?: 'first_frame' | 'none';
  /** Who is told when the video ends; docs/webhooks.md. */
  readonly webhook_url?: string;
}

/** How to go on with a video. Without `prompt` and `labels`, the schedule goes on as before. */
export interface ExtendOrder {
  /** How many more. */
  readonly frames?: number;
  readonly prompt?: string;
  /** `from` counts frames of the whole video. */
  readonly labels?: readonly { readonly from: number; readonly label: string }[];
  readonly interval?: number;
  /** Who is told when the video ends; by default who was told of the video so far. */
  readonly webhook_url?: string;
}

/** How to make another video of the first frames of one. */
export interface ForkOrder extends ExtendOrder {
  /** Index of the last frame that is shared; by default the last one there is. */
  readonly frame?: number;
  /** Of the new video, the shared ones included. */
  readonly frames?: number;
  readonly seed?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Who is told when the new video ends; by default nobody. */
  readonly webhook_url?: string;
}

export interface FollowOrder {
  /** Index of the first frame that is wanted; 0 by default. */
  readonly from?: number;
  /** `data`: frame events carry their PNG. */
  readonly images?: 'url' | 'data';
}

/** What of a video to download, and how large. */
export interface ContentOrder {
  readonly variant?: 'video' | 'thumbnail' | 'spritesheet';
  /** Of the variant `video`. */
  readonly format?: 'gif' | 'apng' | 'png-sequence';
  readonly scale?: number;
}

/** Calls the HTTP API. Every method throws ServiceError where the service refuses. */
export class VideoClient {
  readonly #base: string;
  readonly #key: string;
  readonly #send: (request: Request) => Promise<Response>;

  /**
   * @param base address of the service, without /v1
   * @param key an API key of the service
   * @param send what carries requests; another than fetch where the service is not behind a network
   */
  constructor(
    base: string,
    key: string,
    send: (request: Request) => Promise<Response> = (request) => fetch(request),
  ) {
    this.#base = base;
    this.#key = key;
    this.#send = send;
  }

  async create(order: VideoOrder): Promise<Video> {
    const { image, ...fields } = order;
    const reference = image === undefined ? {} : { input_reference: dataUrl(image) };
    return this.#post('/v1/videos', { ...fields, ...reference });
  }

  async retrieve(id: string): Promise<Video> {
    return this.#json(Video, `/v1/videos/${id}`);
  }

  async list(page: { after?: string; limit?: number; order?: 'asc' | 'desc' } = {}): Promise<VideoList> {
    return this.#json(VideoList, `/v1/videos${query(page)}`);
  }

  async remove(id: string): Promise<void> {
    await this.#fetch(`/v1/videos/${id}`, { method: 'DELETE' });
  }

  async pause(id: string): Promise<Video> {
    return this.#post(`/v1/videos/${id}/pause`, {});
  }

  async resume(id: string): Promise<Video> {
    return this.#post(`/v1/videos/${id}/resume`, {});
  }

  async cancel(id: string): Promise<Video> {
    return this.#post(`/v1/videos/${id}/cancel`, {});
  }

  /** More frames onto a finished video. */
  async extend(id: string, order: ExtendOrder = {}): Promise<Video> {
    return this.#post(`/v1/videos/${id}/extend`, order);
  }

  /** A new video that begins as this one. */
  async fork(id: string, order: ForkOrder = {}): Promise<Video> {
    return this.#post(`/v1/videos/${id}/fork`, order);
  }

  /**
   * Events of a video as they happen, to its end: every frame once and in order. A connection that breaks is made
   * again, a bounded number of times without anything new.
   */
  follow(id: string, { from = 0, images = 'url' }: FollowOrder = {}): AsyncGenerator<VideoEvent> {
    const path = `/v1/videos/${id}/events${query({ images })}`;
    const connect = (lastId: number | null) =>
      this.#fetch(path, { headers: lastId === null ? {} : { 'last-event-id': String(lastId) } });
    return followed(connect, from === 0 ? null : from - 1);
  }

  /** PNG of one frame. */
  async frame(id: string, index: number): Promise<Uint8Array> {
    return this.#bytes(`/v1/videos/${id}/frames/${index}.png`);
  }

  /** The video or its picture, of what there is so far. */
  async content(id: string, order: ContentOrder = {}): Promise<Uint8Array> {
    return this.#bytes(`/v1/videos/${id}/content${query(order)}`);
  }

  async models(): Promise<ModelCard[]> {
    const list = await this.#json(z.object({ data: z.array(ModelCard) }), '/v1/models');
    return list.data;
  }

  async model(name: string): Promise<ModelCard> {
    return this.#json(ModelCard, `/v1/models/${name}`);
  }

  async #post(path: string, fields: object): Promise<Video> {
    const body = JSON.stringify(fields);
    return this.#json(Video, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
  }

  async #json<T>(schema: z.ZodType<T>, path: string, init?: RequestInit): Promise<T> {
    return schema.parse(await (await this.#fetch(path, init)).json());
  }

  async #bytes(path: string): Promise<Uint8Array> {
    return new Uint8Array(await (await this.#fetch(path)).arrayBuffer());
  }

  async #fetch(path: string, init?: RequestInit): Promise<Response> {
    const request = new Request(new URL(path, this.#base), init);
    request.headers.set('authorization', `Bearer ${this.#key}`);
    const response = await this.#send(request);
    if (response.ok) return response;
    const text = await response.text();
    const refusal = ErrorBody.safeParse(jsonOrNull(text));
    if (!refusal.success)
      throw new ServiceError(response.status, 'unknown', `HTTP ${response.status}: ${text.slice(0, 200)}`);
    throw new ServiceError(response.status, refusal.data.error.code, refusal.data.error.message);
  }
}

function dataUrl(image: Uint8Array): string {
  let binary = '';
  for (const byte of image) binary += String.fromCharCode(byte);
  return `data:application/octet-stream;base64,${btoa(binary)}`;
}

function query(values: object): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`;
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
