import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod/mini";
import type { BilledUnits } from "../aws/billing/billed-units.ts";
import type { CallCounts } from "../aws/call-counts.ts";
import { localAws } from "../aws/local-aws.ts";
import type { BusinessClock } from "../clock/clock.ts";
import { type LocalServer, startJsonServer } from "../json-server.ts";

const updateSchema = z.strictObject({
  assemblyDir: z.optional(z.string()),
  share: z.optional(z.number().check(z.gt(0), z.lte(1))),
});

/**
 * Starts a page with the addresses of the run and the message counts of its
 * queues. It shows no secret. `POST /_control/update` updates the functions.
 */
export function startStatusPage(options: {
  port: number;
  clock: BusinessClock;
  addresses: { apiUrl: string; awsUrl: string; providerUrl: string };
  outputs: Readonly<Record<string, string>>;
  calls: Pick<CallCounts, "list">;
  billed: Pick<BilledUnits, "list">;
  update(to: z.output<typeof updateSchema>): Promise<void>;
}): Promise<LocalServer> {
  const sqs = new SQSClient(localAws(options.addresses.awsUrl));
  const queueUrls = Object.entries(options.outputs).filter(([name]) =>
    /(Queue|Dlq)Url$/.test(name),
  );

  async function waiting(queueUrl: string): Promise<string> {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ["All"] }),
    );
    const { ApproximateNumberOfMessages: ready, ApproximateNumberOfMessagesNotVisible: inFlight } =
      Attributes;
    return `${ready} waiting, ${inFlight} in flight`;
  }

  return startJsonServer(options.port, async ({ method, path, text }) => {
    if (path === "/_control/update" && method === "POST") {
      const { data, error } = updateSchema.safeParse(text === "" ? {} : JSON.parse(text));
      if (!data) return { status: 400, body: { error: z.prettifyError(error) } };
      await options.update(data);
      return { status: 200, body: { updated: true } };
    }
    if (path === "/aws-calls") return { status: 200, body: options.calls.list() };
    if (path === "/billed-units") return { status: 200, body: options.billed.list() };
    if (path !== "/") {
      const error = "Not found: this server has /, /aws-calls, /billed-units and /_control/update";
      return { status: 404, body: { error } };
    }
    const queues = await Promise.all(
      queueUrls.map(async ([name, url]) => [name.replace(/Url$/, ""), await waiting(url)]),
    );
    const rows = [
      ["API", options.addresses.apiUrl],
      ["AWS endpoint", options.addresses.awsUrl],
      ["Provider simulator", options.addresses.providerUrl],
      ["Bus", options.outputs.BusName ?? ""],
      ["Business time", new Date(options.clock.now()).toISOString()],
      ["Speed", String(options.clock.speed)],
      ...queues,
    ].map(
      ([name = "", value = ""]) => `<tr><th>${htmlText(name)}</th><td>${htmlText(value)}</td></tr>`,
    );
    return { status: 200, contentType: "text/html; charset=utf-8", body: page(rows.join("\n")) };
  });
}

function htmlText(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

function page(rows: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="2">
<title>Ackwire: local run</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 44rem; padding: 0 1rem }
  th { text-align: left; padding: .2rem 2rem .2rem 0; white-space: nowrap }
  td { font-family: ui-monospace, monospace }
</style>
<h1>Ackwire, local run</h1>
<table>
${rows}
</table>
<p>Keys and inbound URLs are in <code>.ackwire/local.json</code>.</p>
</html>`;
}
