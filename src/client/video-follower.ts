import { type VideoEvent, type VideoEventName, videoEventData } from '../contract/video-event.ts';
import { type ServerEvent, serverEvents } from './server-event.ts';
import { ServiceError } from './service-error.ts';

/** Connections in a row that may bring nothing new. */
const mostRetries = 10;

const firstPauseMs = 100;

const longestPauseMs = 10_000;

/** Three heartbeats without a byte, and a connection counts as dead. */
const silenceMs = 45_000;

const endings = new Set<VideoEventName>(['completed', 'failed', 'cancelled', 'deleted']);

/**
 * Follows a video over as many connections as it takes.
 * @param connect asks for the events after the frame with this index, or for all
 * @param lastIndex index of the last frame that the caller has
 * @throws ServiceError where the service refuses; the last error after too many connections that brought nothing new
 */
export async function* followed(
  connect: (lastIndex: number | null) => Promise<Response>,
  lastIndex: number | null,
): AsyncGenerator<VideoEvent> {
  let last = lastIndex;
  for (let retry = 0; ; retry++) {
    let problem: unknown = new Error('the stream of events ended before the video did');
    try {
      const { body } = await connect(last);
      if (body === null) throw new Error('the stream of events is empty');
      for await (const received of serverEvents(body, silenceMs)) {
        // The progress at the beginning of a stream is nothing new; heartbeats and frames are.
        if (received.name === '') retry = 0;
        const event = videoEvent(received);
        if (event === null) continue;
        if (event.type === 'frame') {
          if (last !== null && event.data.index <= last) continue;
          last = event.data.index;
          retry = 0;
        }
        yield event;
        if (endings.has(event.type)) return;
      }
    } catch (error) {
      if (isRefusal(error)) throw error;
      problem = error;
    }
    if (retry === mostRetries) throw problem;
    await pause(Math.min(firstPauseMs * 2 ** retry, longestPauseMs));
  }
}

/** Null for comments and for events that this client does not know. */
function videoEvent({ name, data }: ServerEvent): VideoEvent | null {
  const schema = (videoEventData as Partial<Record<string, (typeof videoEventData)[VideoEventName]>>)[name];
  if (schema === undefined) return null;
  return { type: name, data: schema.parse(JSON.parse(data)) } as VideoEvent;
}

/** True where asking again would bring the same answer. */
function isRefusal(error: unknown): boolean {
  return error instanceof ServiceError && error.status < 500 && error.status !== 429;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
