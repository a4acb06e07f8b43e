import { setTimeout } from "node:timers/promises";

/** A message that was sent. */
export interface Sent {
  /** Its name, which is unique in a run. */
  id: string;
  /** Real time at which it was sent, in milliseconds since the epoch. */
  atMs: number;
  /** Until it was answered. */
  ackMs: number;
}

/** Real time in milliseconds since the epoch, more exact than `Date.now()`. */
export const now = (): number => performance.timeOrigin + performance.now();

/** Sends one message. @throws Error if it is not acked */
export type Send = (id: string) => Promise<Sent>;

const MAX_ATTEMPTS = 30;

/** Repeats what is not acked each second, as providers do: environments start while others wait. */
export function repeating(send: Send): Send {
  return async (id) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await send(id);
      } catch (error) {
        if (attempt === MAX_ATTEMPTS) throw error;
        await setTimeout(1_000);
      }
    }
  };
}

/** Sends at a steady rate, whether the earlier ones are answered or not. */
export async function sendSteadily(
  send: Send,
  { name, count, perSecond }: { name: string; count: number; perSecond: number },
): Promise<Sent[]> {
  const startMs = now();
  const sending: Promise<Sent>[] = [];
  for (let n = 0; n < count; n++) {
    await setTimeout(Math.max(0, startMs + (n * 1_000) / perSecond - now()));
    sending.push(send(`${name}-${n}`));
  }
  return Promise.all(sending);
}

/** Sends webhooks of Linked API, of about 550 bytes, that match no request. */
export function webhookSender(inboundUrl: string): Send {
  return async (id) => {
    const workflowId = `wf-${id}`;
    const atMs = now();
    const response = await fetch(inboundUrl, {
      method: "POST",
      body: JSON.stringify({
        id: `workflow.completed:${workflowId}`,
        type: "workflow.completed",
        createdAt: new Date().toISOString(),
        data: {
          workflowId,
          accountId: "acc",
          status: "completed",
          result: { text: "t".repeat(400) },
        },
      }),
    });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`webhook ${id} was answered ${response.status}`);
    return { id, atMs, ackMs: now() - atMs };
  };
}

/**
 * Returns the milliseconds from each message to its first receipt. Messages arrive in about the
 * order in which they are sent: the n-th receipt is compared with the n-th message.
 */
export function latenciesOf(
  sent: readonly Sent[],
  posts: readonly { id: string; atMs: number }[],
): number[] {
  const firsts = new Map<string, number>();
  for (const { id, atMs } of posts) if (!firsts.has(id)) firsts.set(id, atMs);
  const receipts = [...firsts.values()].toSorted((a, b) => a - b);
  return receipts.map((atMs, n) => atMs - (sent[n]?.atMs ?? Number.NaN));
}
