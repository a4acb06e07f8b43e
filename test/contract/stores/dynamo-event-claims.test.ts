import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { afterAll, inject } from "vitest";
import { startAws } from "../../../local/aws/aws.ts";
import { localAws } from "../../../local/aws/local-aws.ts";
import { makeBusinessClock } from "../../../local/clock/clock.ts";
import { openDurableStore } from "../../../local/durable-store.ts";
import { loadTemplate } from "../../../local/template/template.ts";
import { makeDynamoEventClaims } from "../../../shared/adapters/dynamo/dynamo-event-claims.ts";
import { makeS3BlobStore } from "../../../shared/adapters/s3/s3-blob-store.ts";
import { eventClaimsSuite } from "../suites/event-claims.suite.ts";

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

/** The table comes from the template, so its keys and indexes are tested too. */
eventClaimsSuite("on DynamoDB", async ({ clock, retentionMs }) => {
  const store = openDurableStore();
  opened.defer(store.close);
  const anchor = { realMs: 0, businessMs: 0, speed: 1 };
  const aws = await startAws({
    port: 0,
    store,
    clock: makeBusinessClock(anchor),
    log: () => undefined,
  });
  opened.defer(aws.close);
  const template = loadTemplate({
    assemblyDir: inject("assemblyDir"),
    awsUrl: aws.url,
    apiUrl: "http://127.0.0.1:1",
  });
  await aws.provision(template);
  const client = new DynamoDBClient(localAws(aws.url));
  opened.defer(() => client.destroy());
  return makeDynamoEventClaims({
    client: DynamoDBDocumentClient.from(client),
    tableName: template.outputs.EventsTableName ?? "",
    clock,
    bodies: makeS3BlobStore({
      bucket: template.outputs.BodiesBucketName ?? "",
      config: localAws(aws.url),
    }),
    retentionMs,
  });
});
