import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { inject } from "vitest";
import { startAws } from "../../../local/aws/aws.ts";
import { localAws } from "../../../local/aws/local-aws.ts";
import { makeBusinessClock } from "../../../local/clock/clock.ts";
import { openDurableStore } from "../../../local/durable-store.ts";
import { loadTemplate } from "../../../local/template/template.ts";
import { behindPeers } from "./peers.ts";

/**
 * What the template stores things in, on the local AWS endpoint, without functions. In a lane of
 * `test/emulators`, tables or queues are in another emulator.
 *
 * @param options.speed business seconds per real second
 */
export async function openLocalTables({ speed = 1 } = {}) {
  await using opened = new AsyncDisposableStack();
  const store = openDurableStore();
  opened.defer(store.close);
  const startMs = Date.now();
  const clock = makeBusinessClock({ realMs: startMs, businessMs: startMs, speed });
  const aws = await startAws({ port: 0, store, clock, log: () => undefined });
  opened.defer(aws.close);
  const assemblyDir = inject("assemblyDir");
  const template = loadTemplate({ assemblyDir, awsUrl: aws.url, apiUrl: "http://127.0.0.1:1" });
  await aws.provision(template);
  const awsClientConfig = localAws(await behindPeers(aws.url, { template, opened }));
  const dynamo = new DynamoDBClient(awsClientConfig);
  opened.defer(() => dynamo.destroy());
  const resources = opened.move();
  return {
    client: DynamoDBDocumentClient.from(dynamo),
    awsClientConfig,
    outputs: template.outputs as Readonly<Record<string, string | undefined>>,
    /** What the template gives its functions under this name. */
    variable(name: string): string {
      const values = template
        .resources("AWS::Lambda::Function")
        .map(({ properties }) => properties.Environment as { Variables?: Record<string, string> })
        .flatMap((environment) => environment?.Variables?.[name] ?? []);
      if (values[0] === undefined) throw new Error(`no function has the variable ${name}`);
      return values[0];
    },
    close: () => resources.disposeAsync(),
  };
}
