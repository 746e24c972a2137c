import { z } from 'zod';
import { ErrorBody, ModelCard, Video, VideoList } from '../contract/job.ts';

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
  readonly palette?: 'first_frame' | 'none';
}

/** What of a video to download, and how large. */
export interface ContentOrder {
  readonly variant?: 'video' | 'thumbnail' | 'spritesheet';
  readonly format?: 'gif' | 'apng';
  readonly scale?: number;
}

/** The service refused or failed a request; `code` is what programs act upon. */
export class ServiceError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'ServiceError';
    this.status = status;
    this.code = code;
  }
}

/** Calls the HTTP API. Every method throws ServiceError where the service refuses. */
export class VideoClient {
  readonly #base: string;
  readonly #send: (request: Request) => Promise<Response>;

  /**
   * @param base address of the service, without /v1
   * @param send what carries requests; another than fetch where the service is not behind a network
   */
  constructor(base: string, send: (request: Request) => Promise<Response> = (request) => fetch(request)) {
    this.#base = base;
    this.#send = send;
  }

  async create(order: VideoOrder): Promise<Video> {
    const { image, ...fields } = order;
    const reference = image === undefined ? {} : { input_reference: dataUrl(image) };
    const body = JSON.stringify({ ...fields, ...reference });
    return this.#json(Video, '/v1/videos', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
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

  async #json<T>(schema: z.ZodType<T>, path: string, init?: RequestInit): Promise<T> {
    return schema.parse(await (await this.#fetch(path, init)).json());
  }

  async #bytes(path: string): Promise<Uint8Array> {
    return new Uint8Array(await (await this.#fetch(path)).arrayBuffer());
  }

  async #fetch(path: string, init?: RequestInit): Promise<Response> {
    const response = await this.#send(new Request(new URL(path, this.#base), init));
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
