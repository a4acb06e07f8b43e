import type { SubmitQueue } from "../../../shared/core/requests/state/ports.ts";

/** A submit queue that takes several messages one after the other. */
export function makeSubmitQueue(send: SubmitQueue["send"] = async () => undefined): SubmitQueue {
  return {
    send,
    async sendAll(messages) {
      for (const { message, clientId } of messages) await send(message, { clientId });
    },
  };
}
