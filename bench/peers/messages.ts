import { now, type Send } from "../events/load.ts";

/** Sends the webhooks of `bench/events/load.ts` as a message of each product, to be delivered. */
export function messageSender(
  url: string,
  of: {
    headers?: Readonly<Record<string, string>>;
    /** Puts a message into the form of the product. */
    wrap?: (message: { id: string; type: string; createdAt: string; data: object }) => object;
  },
): Send {
  const { headers = {}, wrap = (message) => message } = of;
  return async (id) => {
    const atMs = now();
    const message = {
      id: `workflow.completed:wf-${id}`,
      type: "workflow.completed",
      createdAt: new Date().toISOString(),
      data: {
        workflowId: `wf-${id}`,
        accountId: "acc",
        status: "completed",
        result: { text: "t".repeat(400) },
      },
    };
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(wrap(message)),
    });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`message ${id} was answered ${response.status}`);
    return { id, atMs, ackMs: now() - atMs };
  };
}
