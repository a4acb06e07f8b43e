import type { IncomingHttpHeaders } from "node:http";
import { startServer } from "./listening.ts";
import type { ListeningPlace } from "./target.ts";

/** A webhook that the receiver got. */
export interface Received {
  eventId: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;

/** A subscriber's endpoint: it answers the first attempt of each event with 500, and later ones with 204. */
export async function startReceiver(place: ListeningPlace) {
  const received: Received[] = [];
  const { url, close } = await startServer(place, ({ headers, body }) => {
    const eventId = String(headers["webhook-id"]);
    const isFirst = received.every((one) => one.eventId !== eventId);
    received.push({ eventId, headers, body });
    return [isFirst ? 500 : 204];
  });
  return { url: `${url}/acceptance`, received: received as readonly Received[], close };
}
