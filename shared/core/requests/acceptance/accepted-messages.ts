import { limits } from "../../../contracts/limits.ts";
import type { SubmitMessage } from "../../../contracts/messages/submit.ts";
import type { SubmitQueue } from "../state/ports.ts";
import { laneOf } from "./request-id.ts";

interface Accepted {
  requestId: string;
  wakesLane: boolean;
  clientId: string;
}

/**
 * A queue that collects the messages of accepted requests, to send a few that name several:
 * those of a lane that must be woken are together, and the others together whatever their lanes.
 * Other messages it sends.
 */
export function collectAccepted(own: SubmitQueue): {
  submitQueue: SubmitQueue;
  messages(): { message: SubmitMessage; clientId: string }[];
} {
  const all: Accepted[] = [];
  const submitQueue: SubmitQueue = {
    ...own,
    async send(message, of = {}) {
      if (message.kind !== "accepted") return own.send(message, of);
      all.push({ ...message, clientId: of.clientId ?? "" });
    },
  };
  return {
    submitQueue,
    messages() {
      const woken = new Set(all.filter(({ wakesLane }) => wakesLane).map(laneIdOf));
      const groups = Map.groupBy(all, (one) => (woken.has(laneIdOf(one)) ? laneIdOf(one) : ""));
      return [...groups].flatMap(([lane, members]) => messagesOf(members, lane !== ""));
    },
  };
}

const laneIdOf = ({ requestId }: Accepted): string => laneOf(requestId) ?? requestId;

/** @param wakesLane the lane, which all of them have in common */
function messagesOf(members: readonly Accepted[], wakesLane: boolean) {
  const size = limits.maxAcceptedPerMessage;
  const chunks = Array.from({ length: Math.ceil(members.length / size) }, (_, n) =>
    members.slice(n * size, (n + 1) * size),
  );
  return chunks.map((chunk, n) => ({
    clientId: chunk[0]?.clientId ?? "",
    message: {
      v: 1,
      kind: "acceptedBatch",
      requestIds: chunk.map(({ requestId }) => requestId),
      wakesLane: wakesLane && n === 0,
    } satisfies SubmitMessage,
  }));
}
