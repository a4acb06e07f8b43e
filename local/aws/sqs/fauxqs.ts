import type { IncomingMessage, ServerResponse } from "node:http";
import type { DatabaseSync } from "node:sqlite";
import type { buildApp } from "fauxqs";
import { ACCOUNT_ID } from "../../physical-name.ts";
import { fauxqsModule } from "./fauxqs-modules.ts";

/**
 * The parts of `fauxqs` (pinned version) that we use: its stores and SQS actions,
 * which it does not export, and its HTTP application for S3 and SNS.
 */
export interface SqsMessage {
  messageId: string;
  body: string;
  sentTimestamp: number;
  approximateReceiveCount: number;
  approximateFirstReceiveTimestamp?: number | undefined;
  delayUntil?: number | undefined;
  messageGroupId?: string | undefined;
  /** Ours: the X-Ray header of the call that sent it. Kept in memory only. */
  traceHeader?: string | undefined;
  /** Ours: the ARN of the queue whose redrive policy moved it to its dead-letter queue. */
  deadLetterSourceArn?: string | undefined;
}

export interface SqsQueue {
  readonly name: string;
  readonly url: string;
  readonly arn: string;
  attributes: Record<string, string>;
  messages: SqsMessage[];
  readonly inflightMessages: Map<string, { message: SqsMessage; visibilityDeadline: number }>;
  isFifo(): boolean;
  enqueue(message: SqsMessage): void;
  /** Receives messages, and moves those that were received too often to the dead-letter queue. */
  dequeue(...parameters: unknown[]): unknown;
  getAttribute(name: string): string | undefined;
  setAttributes(attributes: Record<string, string>): void;
  waitForMessages(waitTimeSeconds: number): Promise<void>;
  /** Makes messages visible whose visibility timeout has ended. */
  processTimers(): void;
  deleteMessage(receiptHandle: string): boolean;
  changeVisibility(receiptHandle: string, timeoutSeconds: number): void;
  purge(): void;
  persistence?: Persistence | undefined;
}

interface SqsStore {
  createQueue(
    name: string,
    url: string,
    arn: string,
    attributes?: Record<string, string>,
    tags?: Record<string, string>,
  ): SqsQueue;
  deleteQueue(url: string): boolean;
  getQueue(url: string): SqsQueue | undefined;
  getQueueByArn(arn: string): SqsQueue | undefined;
  getQueueByName(name: string): SqsQueue | undefined;
  allQueues(): Iterable<SqsQueue>;
  buildQueueUrl(name: string): string;
  shutdown(): void;
  persistence?: Persistence | undefined;
}

interface SnsStore {
  createTopic(name: string, attributes: undefined, tags: undefined, region: string): unknown;
  subscribe(topicArn: string, protocol: string, endpoint: string, attributes: undefined): unknown;
  persistence?: Persistence | undefined;
}

interface S3Store {
  createBucket(name: string): void;
  buckets: Map<string, Map<string, unknown>>;
  persistence?: Persistence | undefined;
}

interface Persistence {
  db: DatabaseSync;
  load(sqs: SqsStore, sns: SnsStore, s3: S3Store): void;
  updateMessageReady(messageId: string): void;
  /** Ours: stores the origin of a message that a redrive policy has moved. */
  updateDeadLetterSource(messageId: string, queueArn: string): void;
  transaction(run: () => void): void;
  close(): void;
}

type SqsAction = (
  input: Record<string, unknown>,
  store: SqsStore,
  request: { headers: Record<string, string> },
) => unknown;

export interface Fauxqs {
  sqs: SqsStore;
  sns: SnsStore;
  s3: S3Store;
  actions: Record<string, SqsAction>;
  /** Runs synchronous work whose writes reach the disk together or not at all. */
  atomically<T>(run: () => T): T;
  /** Handles an S3 request. */
  route(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Handles an SNS or STS request whose body has been read. */
  form(body: string, response: ServerResponse): Promise<void>;
  close(): Promise<void>;
}

const sqsActionNames = [
  "ChangeMessageVisibility",
  "CreateQueue",
  "DeleteMessage",
  "DeleteQueue",
  "GetQueueAttributes",
  "GetQueueUrl",
  "ListQueueTags",
  "ListQueues",
  "PurgeQueue",
  "ReceiveMessage",
  "SendMessage",
  "SetQueueAttributes",
  "TagQueue",
  "UntagQueue",
];

async function internal<T>(path: string): Promise<T> {
  return (await fauxqsModule(path)) as T;
}

async function loadActions(): Promise<Record<string, SqsAction>> {
  const load = async (name: string): Promise<[string, SqsAction]> => {
    const file = name[0]?.toLowerCase() + name.slice(1);
    const module = await internal<Record<string, SqsAction>>(`./sqs/actions/${file}.js`);
    const action = module[file];
    if (!action) throw new Error(`fauxqs has no SQS action ${name}`);
    return [name, action];
  };
  return Object.fromEntries(await Promise.all(sqsActionNames.map(load)));
}

/** fauxqs rejects characters above U+FFFF (emoji) as invalid; SQS accepts them. */
async function allowAstralCharacters(): Promise<void> {
  const { INVALID_MESSAGE_BODY_CHAR: pattern } = await internal<{
    INVALID_MESSAGE_BODY_CHAR: RegExp;
  }>("./sqs/sqsTypes.js");
  const invalid = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
  pattern.test = (text) => invalid.test(text);
}

async function openPersistence(dataDir: string, awsUrl: string): Promise<Persistence> {
  const { PersistenceManager } = await internal<{
    PersistenceManager: new (dataDir: string) => Persistence;
  }>("./persistence.js");
  const persistence = new PersistenceManager(dataDir);
  persistence.db.exec("PRAGMA synchronous = NORMAL");
  // No consumer of the last run is alive. A message that was in flight when the run ended gets its
  // receive back: however often a run is killed, no message goes to a dead-letter queue for it.
  persistence.db.exec(
    `UPDATE sqs_messages SET
       approximate_receive_count = MAX(approximate_receive_count - (receipt_handle IS NOT NULL), 0),
       receipt_handle = NULL, visibility_deadline = NULL`,
  );
  // The port may have changed.
  persistence.db.prepare("UPDATE sqs_queues SET url = ? || name").run(`${awsUrl}/${ACCOUNT_ID}/`);
  // fauxqs's own statement would clear the receive count, which its schema does not allow.
  const makeReady = persistence.db.prepare(
    "UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE message_id = ?",
  );
  persistence.updateMessageReady = (messageId) => void makeReady.run(messageId);
  addDeadLetterSources(persistence);
  return persistence;
}

/** Keeps the origin of dead letters. fauxqs's own statement that writes a message clears it. */
function addDeadLetterSources(persistence: Persistence): void {
  const { db } = persistence;
  const columns = db.prepare("SELECT name FROM pragma_table_info('sqs_messages')").all();
  if (!columns.some(({ name }) => name === "dead_letter_source_arn")) {
    db.exec("ALTER TABLE sqs_messages ADD COLUMN dead_letter_source_arn TEXT");
  }
  const update = db.prepare(
    "UPDATE sqs_messages SET dead_letter_source_arn = ? WHERE message_id = ?",
  );
  persistence.updateDeadLetterSource = (messageId, arn) => void update.run(arn, messageId);
  const load = persistence.load.bind(persistence);
  persistence.load = (sqs, sns, s3) => {
    load(sqs, sns, s3);
    const rows = db
      .prepare(
        "SELECT message_id, dead_letter_source_arn FROM sqs_messages WHERE dead_letter_source_arn IS NOT NULL",
      )
      .all();
    const sources = new Map(rows.map((row) => [row.message_id, row.dead_letter_source_arn]));
    for (const queue of sqs.allQueues()) {
      for (const message of queue.messages) {
        const arn = sources.get(message.messageId);
        if (arn) message.deadLetterSourceArn = String(arn);
      }
    }
  };
}

/** @param adaptQueue called with every queue, including restored ones, before the queue is used */
export async function openFauxqs(options: {
  dataDir: string | undefined;
  awsUrl: string;
  /** S3 and SNS start at their first call, which then takes seconds on a busy machine. */
  isS3Lazy?: boolean;
  adaptQueue(queue: SqsQueue): void;
}): Promise<Fauxqs> {
  const { SqsStore } = await internal<{ SqsStore: new () => SqsStore }>("./sqs/sqsStore.js");
  const { SnsStore } = await internal<{ SnsStore: new () => SnsStore }>("./sns/snsStore.js");
  const { S3Store } = await internal<{ S3Store: new () => S3Store }>("./s3/s3Store.js");
  const [sqs, sns, s3] = [new SqsStore(), new SnsStore(), new S3Store()];
  await allowAstralCharacters();

  const createQueue = sqs.createQueue.bind(sqs);
  sqs.createQueue = (...parameters) => {
    const queue = createQueue(...parameters);
    options.adaptQueue(queue);
    return queue;
  };
  const persistence =
    options.dataDir === undefined
      ? undefined
      : await openPersistence(options.dataDir, options.awsUrl);
  if (persistence) {
    // Persistence is connected after loading, because fauxqs would otherwise write back what it
    // reads.
    persistence.load(sqs, sns, s3);
    for (const part of [sqs, sns, s3, ...sqs.allQueues()]) part.persistence = persistence;
  }

  const stores = { sqsStore: sqs, snsStore: sns, s3Store: s3 };
  sqs.buildQueueUrl = (name) => `${options.awsUrl}/${ACCOUNT_ID}/${name}`;
  let application: Promise<App> | undefined;
  // S3, SNS and STS only.
  const appOf = () => {
    application ??= startApp(stores);
    return application;
  };
  // A webhook with a large body must not wait for it.
  if (!options.isS3Lazy) await appOf();

  return {
    sqs,
    sns,
    s3,
    actions: await loadActions(),
    atomically: persistence ? transactions(persistence) : (run) => run(),
    route: async (request, response) => (await appOf()).routing(request, response),
    async form(body, response) {
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const app = await appOf();
      const answer = await app.inject({ method: "POST", url: "/", headers, payload: body });
      response.writeHead(answer.statusCode, { "content-type": "text/xml" });
      response.end(answer.rawPayload);
    },
    async close() {
      await (await application)?.close();
      persistence?.close();
    },
  };
}

type App = ReturnType<typeof buildApp>;

/** @throws when fauxqs cannot start */
async function startApp(stores: object): Promise<App> {
  const module = await internal<{ buildApp: typeof buildApp }>("./app.js");
  const app = module.buildApp({ logger: false, stores } as Parameters<typeof buildApp>[0]);
  await app.ready();
  return app;
}

function transactions(persistence: Persistence): <T>(run: () => T) => T {
  let isOpen = false;
  return <T>(run: () => T): T => {
    if (isOpen) return run();
    const results: T[] = [];
    isOpen = true;
    try {
      persistence.transaction(() => results.push(run()));
    } finally {
      isOpen = false;
    }
    return results[0] as T;
  };
}
