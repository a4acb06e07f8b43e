import { setTimeout as sleep } from "node:timers/promises";

export interface Attempt {
  /** 0 if there was no answer. */
  status: number;
  retryAfter: string | null;
}

/** A webhook of Linked API for one workflow, padded to so many bytes. */
export function linkedApiWebhook(workflowId: string, bytes = 0): string {
  const body = (text: string) =>
    JSON.stringify({
      id: `workflow.completed:${workflowId}`,
      type: "workflow.completed",
      createdAt: "2026-06-25T12:00:00.000Z",
      data: { workflowId, accountId: `acc-${workflowId}`, status: "completed", result: { text } },
    });
  return body("x".repeat(Math.max(0, bytes - body("").length)));
}

/** Sends a webhook once. */
export async function attempt(
  url: string,
  body: string | Uint8Array,
  headers: Record<string, string> = { "content-type": "application/json" },
): Promise<Attempt> {
  return fetch(url, { method: "POST", body: body as string, headers }).then(
    async (response) => {
      await response.arrayBuffer();
      return { status: response.status, retryAfter: response.headers.get("retry-after") };
    },
    () => ({ status: 0, retryAfter: null }),
  );
}

const MAX_ATTEMPTS = 30;

/** Sends a webhook as a provider does: again until it is acked. */
export async function deliver(url: string, body: string): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  while (attempts.length < MAX_ATTEMPTS && attempts.at(-1)?.status !== 200) {
    if (attempts.length > 0) await sleep(50);
    attempts.push(await attempt(url, body));
  }
  return attempts;
}
