import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { localAws } from "../../../local/aws/local-aws.ts";
import { readDeliveryItem } from "../../../shared/adapters/dynamo/delivery-item.ts";
import { makeDynamoEventArchive } from "../../../shared/adapters/dynamo/dynamo-event-archive.ts";
import { composeAdministration } from "../../../shared/composition/administration.ts";
import { EVENT_SOURCE } from "../../../shared/contracts/events.ts";
import type { FunctionSettings } from "../../../shared/contracts/settings.ts";
import { deliveryIdOf } from "../../../shared/core/deliveries/creation/new-delivery.ts";
import type {
  DeliveryRecord,
  EndpointHealth,
} from "../../../shared/core/deliveries/state/record.ts";
import { type FinalEvent, toEventBridgeDetail } from "../../../shared/core/events/envelope.ts";
import { publisherCredentials } from "../fakes/publisher.ts";
import { startWebhookReceiver } from "../fakes/webhook-receiver.ts";
import { makeMemoryBlobStore } from "../memory/memory-blob-store.ts";
import { changeSettings, prepareBehindFaultProxy, type Resources } from "./behind-fault-proxy.ts";
import { startRequestsRun } from "./requests-run.ts";

/** Differences to a deployed stack, whose real times are too long for a test. */
interface Differences {
  /** Business seconds per real second. */
  speed: number;
  settings: Partial<FunctionSettings>;
  /** Real: of the queue on the bus, and of those of attempts. */
  fanoutVisibilitySeconds: number;
  attemptsVisibilitySeconds: number;
}

type Answering = Parameters<Awaited<ReturnType<typeof startWebhookReceiver>>["endpoint"]>[0];

export type FaultyDeliveriesRun = Awaited<ReturnType<typeof startFaultyDeliveriesRun>>;
export type Subscriber = Awaited<ReturnType<FaultyDeliveriesRun["subscriber"]>>;

/** A local run in which `deliver`, `reconcile` and `api` call AWS through the fault proxy, and webhook receivers. */
export async function startFaultyDeliveriesRun({ speed, ...differences }: Differences) {
  const { proxy, options } = await prepareBehindFaultProxy({
    speed,
    functions: ["deliver", "reconcile", "api"],
    edit: (resources) => edit(resources, differences),
  });
  const requests = await startRequestsRun(options).catch(async (error: unknown) => {
    await proxy.close();
    throw error;
  });
  const { run, received } = requests;
  const { outputs } = run;
  proxy.forwardTo(run.addresses.awsUrl);
  const aws = localAws(run.addresses.awsUrl);
  const bus = new EventBridgeClient({ ...aws, credentials: publisherCredentials });
  const sqs = new SQSClient(aws);
  const dynamo = DynamoDBDocumentClient.from(new DynamoDBClient(aws));
  const administration = await composeAdministration({ aws, outputs, nowMs: run.clock.now });
  const receiver = await startWebhookReceiver();
  const archive = makeDynamoEventArchive({
    client: dynamo,
    tableName: outputs.EventsTableName ?? "",
    clock: { businessMs: run.clock.now, realMs: Date.now },
    bodies: makeMemoryBlobStore(),
    retentionMs: 86_400_000,
  });

  /** Reads an item of the deliveries table without faults. */
  async function item(id: string): Promise<Record<string, unknown> | undefined> {
    const { DeliveriesTableName: TableName } = outputs;
    const get = new GetCommand({ TableName, Key: { id }, ConsistentRead: true });
    return (await dynamo.send(get)).Item;
  }

  const clientsOfJobs = new Map<string, string>();
  let callsRead = 0;

  /** A job's message contains no client id: the call that stored the job did. */
  function clientOfJob(jobId: string): string | undefined {
    for (const { content } of proxy.calls.slice(callsRead)) {
      const [, id] = /"id":{"S":"(job_[0-9a-f]{24})"/.exec(content) ?? [];
      const [, clientId] = /"clientId":{"S":"(\w+)"/.exec(content) ?? [];
      if (id && clientId) clientsOfJobs.set(id, clientId);
    }
    callsRead = proxy.calls.length;
    return clientsOfJobs.get(jobId);
  }

  /** Creates a client with an endpoint, but no webhook yet. */
  async function subscriber(name: string, answering?: Answering) {
    const { clientId } = await administration.createClient(name);
    const { apiKey } = await administration.createApiKey(clientId);
    const endpoint = receiver.endpoint(answering);
    const repeated: string[] = [];
    const events: FinalEvent[] = [];
    const webhookIds: string[] = [];
    let webhook = { id: "", secret: "" };

    /** Repeats a call until it succeeds, as a client does; counts the repetitions. */
    async function api<Body = Record<string, unknown>>(method: string, path: string, of?: object) {
      const headers = { authorization: `Bearer ${apiKey}` };
      for (let attempt = 0; attempt < 30; attempt++) {
        const asked = await requests.native<Body>(method, path, of, headers).catch(() => undefined);
        if (asked && asked.status < 500) return asked;
        repeated.push(path);
        await sleep(100);
      }
      throw new Error(`${method} ${path} of ${name} was never answered`);
    }

    return {
      clientId,
      endpoint,
      api,
      /** API calls that did not succeed at first. */
      repeated: (path: string) => repeated.filter((one) => one === path).length,
      secret: () => webhook.secret,
      deliveryIdOf: (eventId: string) => deliveryIdOf(webhook.id, eventId),

      /** Whether a call to AWS concerns this client: it contains the client's id, or an id that belongs to it. */
      isNamedIn(content: string): boolean {
        if ([clientId, ...webhookIds].some((id) => content.includes(id))) return true;
        const jobId = /job_[0-9a-f]{24}/.exec(content)?.[0];
        if (jobId !== undefined) return clientOfJob(jobId) === clientId;
        return events.some(
          ({ id }) =>
            content.includes(id) ||
            webhookIds.some((webhookId) => content.includes(deliveryIdOf(webhookId, id))),
        );
      },

      /** If the answer is lost, the webhook is active and its secret is rotated. */
      async register(): Promise<void> {
        const { status, body } = await api<{ id: string; secret: string }>("PUT", "/v1/webhook", {
          url: endpoint.url,
        });
        if (status === 200 || status === 201) webhook = body;
        else {
          const { id } = (await api<{ id: string }>("GET", "/v1/webhook")).body;
          const rotated = await api<{ secret: string }>("POST", "/v1/webhook/rotate-secret");
          webhook = { id, secret: rotated.body.secret };
        }
        webhookIds.push(webhook.id);
      },

      /** Puts an event on the bus, and on request into the event store. */
      async publish(of: { bytes?: number; isArchived?: boolean } = {}): Promise<FinalEvent> {
        const event = startedEvent(clientId, of.bytes ?? 0);
        events.push(event);
        if (of.isArchived) await archive.store([event]);
        const Entry = {
          EventBusName: outputs.BusName,
          Source: EVENT_SOURCE,
          DetailType: event.type,
          Detail: toEventBridgeDetail(event),
        };
        await bus.send(new PutEventsCommand({ Entries: [Entry] }));
        return event;
      },

      /** Events of one type that the bus has delivered for this client. */
      eventsOfType: (type: string) =>
        received
          .map(({ detail }) => detail)
          .filter((detail) => detail.type === type && detail.clientId === clientId),
    };
  }

  return {
    ...requests,
    proxy,
    item,
    subscriber,
    delivery: async (id: string): Promise<DeliveryRecord | undefined> =>
      readDeliveryItem(await item(id)),

    /** Makes a delivery wait for a day, as the real schedule does. @returns `false` if it does not wait */
    async letWait(id: string): Promise<boolean> {
      const update = new UpdateCommand({
        TableName: outputs.DeliveriesTableName,
        Key: { id },
        UpdateExpression: "SET nextMs = :far, dueAt = :far",
        ConditionExpression: "#status = :waiting AND #attempts > :none",
        ExpressionAttributeNames: {
          "#status": "status" satisfies keyof DeliveryRecord,
          "#attempts": "attemptsInCycle" satisfies keyof DeliveryRecord,
        },
        ExpressionAttributeValues: {
          ":far": run.clock.now() + 86_400_000,
          ":waiting": "waiting",
          ":none": 0,
        },
      });
      return dynamo.send(update).then(
        () => true,
        () => false,
      );
    },

    /**
     * Marks a client's endpoint as fast once no worker holds a slot of it: on a busy
     * machine its first response can be slow. @returns `false` if a worker holds one
     */
    async markFast(clientId: string): Promise<boolean> {
      const health = (await item(`health#${clientId}`)) as EndpointHealth | undefined;
      if (!health || Object.keys(health.slots).length > 0) return false;
      const update = new UpdateCommand({
        TableName: outputs.DeliveriesTableName,
        Key: { id: `health#${clientId}` },
        UpdateExpression: "SET #isFast = :true, #needed = :none, #version = :next",
        ConditionExpression: "#version = :read",
        ExpressionAttributeNames: {
          "#isFast": "isFast" satisfies keyof EndpointHealth,
          "#needed": "fastSuccessesNeeded" satisfies keyof EndpointHealth,
          "#version": "version" satisfies keyof EndpointHealth,
        },
        ExpressionAttributeValues: {
          ":true": true,
          ":none": 0,
          ":read": health.version,
          ":next": health.version + 1,
        },
      });
      return dynamo.send(update).then(
        () => true,
        (error: Error) => {
          if (error.name === "ConditionalCheckFailedException") return false;
          throw error;
        },
      );
    },

    /** Dead-lettered messages. */
    async deadLetters(): Promise<number> {
      const { FanoutDlqUrl, AttemptsDlqUrl, RetriesDlqUrl } = outputs;
      const counts = [FanoutDlqUrl, AttemptsDlqUrl, RetriesDlqUrl].map(async (QueueUrl) => {
        const get = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] });
        return Number((await sqs.send(get)).Attributes?.ApproximateNumberOfMessages);
      });
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    },

    close: async () => {
      await requests.close();
      await receiver.close();
      for (const client of [bus, sqs, dynamo]) client.destroy();
      await proxy.close();
    },
  };
}

/** The event has a request id, so that cancelled requests are read too. */
function startedEvent(clientId: string, bytes: number): FinalEvent {
  const requestId = `rq_${randomBytes(22).toString("hex")}`;
  const type = "workflow.started";
  const id = `${type}:${requestId}`;
  const data = {
    requestId,
    workflowId: requestId,
    provider: "we-link",
    eventType: "CONNECTION_SENT",
    status: "running",
    payload: { text: "x".repeat(bytes) },
  };
  const envelope = JSON.stringify({ id, type, createdAt: "2026-06-25T12:00:00.000Z", data });
  return { id, type, clientId, envelope };
}

const attemptQueues = /^Ackwire(Attempts|Retries)(Queue|Mapping)/;
const isOfDeliveries = /^Ackwire(Fanout|Attempts|Retries)(Queue|Mapping)/;

function edit(resources: Resources, of: Omit<Differences, "speed">): void {
  for (const [id, { Type, Properties }] of Object.entries(resources)) {
    if (!isOfDeliveries.test(id)) continue;
    if (Type === "AWS::SQS::Queue") {
      Properties.VisibilityTimeout = attemptQueues.test(id)
        ? of.attemptsVisibilitySeconds
        : of.fanoutVisibilitySeconds;
      // Any number of faults must not dead-letter a message.
      (Properties.RedrivePolicy as { maxReceiveCount: number }).maxReceiveCount = 100;
    }
    if (Type === "AWS::Lambda::EventSourceMapping") {
      // One message per batch, so that a fault affects its own case only.
      Object.assign(Properties, { BatchSize: 1, MaximumBatchingWindowInSeconds: 0 });
    }
  }
  changeSettings(resources, of.settings);
}
