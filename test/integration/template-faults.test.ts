import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import {
  editedAssembly,
  withoutGrant,
  withoutResources,
  withoutVariable,
} from "../support/runs/edited-assembly.ts";
import { startTestRun } from "../support/runs/local-run.ts";

const completed = {
  id: "workflow.completed:wf-1",
  type: "workflow.completed",
  createdAt: "2026-06-25T12:00:00Z",
  data: { workflowId: "wf-1", status: "completed", result: {} },
};

describe("Templates with a missing part", () => {
  test.each([
    [
      "a variable",
      withoutVariable("AckwireIngest", "INBOUND_QUEUE_URL"),
      ["AckwireIngest", "INBOUND_QUEUE_URL (is missing)"],
    ],
    [
      "an event source mapping",
      withoutResources("AWS::Lambda::EventSourceMapping"),
      ["AckwireConsume", "AckwireInboundQueue"],
    ],
    ["a route", withoutResources("AWS::ApiGatewayV2::Route"), ["AckwireIngest"]],
    [
      "the API's permission to invoke",
      withoutResources("AWS::Lambda::Permission"),
      ["AckwireIngest", "AWS::Lambda::Permission"],
    ],
    [
      "the event source mapping of retries",
      withoutResources("AWS::Lambda::EventSourceMapping", "AckwireRetries"),
      ["AckwireRetriesQueue"],
    ],
    ["a schedule", withoutResources("AWS::Scheduler::Schedule"), ["AckwireReconcile"]],
    [
      "the grant to poll",
      withoutGrant("AckwireConsume", "sqs:ReceiveMessage"),
      ["AckwireConsume", "sqs:ReceiveMessage", "AckwireInboundQueue"],
    ],
  ])(
    "A template without %s does not start, and the message names the missing part",
    async (_name, edit, named) => {
      const starting = startTestRun({ assemblyDir: editedAssembly(edit) });
      const message = await starting.then(
        async (run) => {
          await run.close();
          return "it started";
        },
        (error: Error) => error.message,
      );
      for (const text of named) expect(message).toContain(text);
    },
  );
});

describe("Permissions that are missing at run time", () => {
  test.each([
    ["AckwireIngest", "sqs:SendMessage", "AckwireInboundQueue"],
    ["AckwireIngest", "dynamodb:GetItem", "AckwireConfigTable"],
    ["AckwireIngest", "secretsmanager:GetSecretValue", "AckwireMasterSecret"],
  ])(
    "A call of %s without the permission %s fails, and the message names both",
    async (functionId, action, resource) => {
      const run = await startTestRun({
        assemblyDir: editedAssembly(withoutGrant(functionId, action)),
      });
      try {
        const connection = run.seed.connections.find(({ provider }) => provider === "linked-api");
        const response = await fetch(`${run.addresses.apiUrl}${connection?.inboundPath}`, {
          method: "POST",
          body: '{"id":"i","type":"webhook.test","createdAt":"2026-06-25T12:00:00Z","data":{}}',
        });
        expect(response.status).toBe(503);
        const fault = run.printed.find((line) => line.includes("is not authorized to perform"));
        for (const text of [functionId, action, resource]) expect(fault).toContain(text);
      } finally {
        await run.close();
      }
    },
  );

  test("The event stays in the outbox when consume lacks events:PutEvents, and the message names the permission", async () => {
    const assemblyDir = editedAssembly(withoutGrant("AckwireConsume", "events:PutEvents"));
    const run = await startTestRun({ assemblyDir });
    try {
      run.simulator.send("linked-api", completed);
      await expect
        .poll(() => run.printed.join("\n"))
        .toMatch(/AckwireConsume.*events:PutEvents.*event-bus/);
      const documents = DynamoDBDocumentClient.from(
        new DynamoDBClient(localAws(run.addresses.awsUrl)),
      );
      const TableName = run.outputs.EventsTableName;
      await expect
        .poll(async () => (await documents.send(new ScanCommand({ TableName }))).Items)
        .toMatchObject([{ status: "CLAIMED", outboxAt: expect.any(Number) }]);
    } finally {
      await run.close();
    }
  });

  test("The fan-out message fails when deliver lacks dynamodb:PutItem, and the message names the permission", async () => {
    const run = await startTestRun({
      assemblyDir: editedAssembly(withoutGrant("AckwireDeliver", "dynamodb:PutItem")),
    });
    try {
      const { status } = await fetch(`${run.addresses.apiUrl}/v1/webhook`, {
        method: "PUT",
        headers: { authorization: `Bearer ${run.seed.apiKey}` },
        body: JSON.stringify({ url: "http://127.0.0.1:1/never-called" }),
      });
      expect(status).toBe(201);
      run.simulator.send("linked-api", completed);
      await expect
        .poll(() => run.printed.join("\n"))
        .toMatch(/AckwireDeliver.*dynamodb:PutItem.*AckwireDeliveriesTable/);
      await expect.poll(run.logged).toMatch(/message processing failed.*DEPENDENCY_DOWN/);
    } finally {
      await run.close();
    }
  });
});
