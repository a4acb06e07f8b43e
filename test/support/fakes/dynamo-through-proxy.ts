import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { expect } from "vitest";
import { openLocalTables } from "../runs/local-tables.ts";
import { startAwsFaultProxy } from "./aws-fault-proxy.ts";

/** The local tables, and a client of them whose calls go through a fault proxy. */
export async function openTablesThroughProxy() {
  const tables = await openLocalTables();
  const dynamo = await openDynamoThroughProxy(tables.awsClientConfig);
  return {
    ...dynamo,
    outputs: tables.outputs,
    /** A client whose calls do not go through the proxy. */
    directClient: tables.client,
    async close(): Promise<void> {
      await dynamo.close();
      await tables.close();
    },
  };
}

/** A DynamoDB client whose calls go through a fault proxy, which counts them and makes planned calls fail. */
export async function openDynamoThroughProxy(awsClientConfig: { endpoint: string }) {
  const proxy = await startAwsFaultProxy();
  proxy.forwardTo(awsClientConfig.endpoint);
  const dynamo = new DynamoDBClient({ ...awsClientConfig, endpoint: proxy.url });
  return {
    proxy,
    client: DynamoDBDocumentClient.from(dynamo),

    /** Runs `work` while the response of its first call of this operation is lost. */
    async withLostResponse<T>(operation: string, work: () => Promise<T>): Promise<T> {
      const plan = proxy.plan({ operation, fault: "reset-after" });
      const result = await work();
      expect(plan.struck()).toBe(1);
      return result;
    },

    async close(): Promise<void> {
      dynamo.destroy();
      await proxy.close();
    },
  };
}
