import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  request as sendRequest,
} from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "../../../local/loopback.ts";
import { packedRecordIn } from "../payloads/packed-requests.ts";
import { errorAnswer, type Fault } from "./aws-faults.ts";

/** One call that a function made. */
export interface AwsCall {
  /** The function, by its folder's name; empty if the caller did not send it. */
  from: string;
  pid: number | undefined;
  /** `PutItem`, `SendMessage`, `GetObject` … */
  operation: string;
  /** The whole content of the call, including bodies by reference. Strikes are matched against it. */
  content: string;
  /** AWS applied the call. */
  applied: boolean;
  /** The caller disconnected before the answer. */
  abandoned: boolean;
}

export interface Strike {
  operation: string;
  from?: string;
  /** Only calls whose content contains this text or passes this predicate. */
  matching?: string | ((content: string) => boolean);
  /** Further texts that the content must contain, to select one of several calls of an operation. */
  which?: string | readonly string[] | undefined;
  fault: Fault;
  /** Number of matching calls that pass first. */
  after?: number | undefined;
  /** Number of calls that fail. Default: 1. */
  times?: number;
}

interface Planned extends Strike {
  left: number;
  toPass: number;
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A proxy between the functions and the local AWS endpoint that makes planned calls fail. */
export async function startAwsFaultProxy() {
  const calls: AwsCall[] = [];
  const planned: Planned[] = [];
  const bodies = new Map<string, string>();
  const agent = new Agent({ keepAlive: true });
  let urlOf: ((request: IncomingMessage) => string) | undefined;

  async function serve(request: IncomingMessage, response: ServerResponse) {
    const body = await readBytes(request);
    const call = readCall(request, body, bodies);
    calls.push(call);
    response.once("close", () => {
      call.abandoned = !response.writableFinished;
    });
    const forward = async (bytes = body) => {
      if (urlOf === undefined) throw new Error("The proxy has no AWS URL yet");
      const answer = await passOn(urlOf(request), { request, body: bytes, agent });
      call.applied = answer.status < 300;
      return answer;
    };
    const strike = planned.find((one) => one.left > 0 && isHit(one, call) && one.toPass-- <= 0);
    if (strike) strike.left--;
    const fault = strike?.fault;
    if (fault === undefined) return reply(response, await forward());
    if (fault === "throttle" || fault === "internal" || fault === "unavailable") {
      const type = request.headers["content-type"];
      const { status, headers, body: text } = errorAnswer(fault, targetOf(request), type);
      return reply(response, { status, headers, body: Buffer.from(text) });
    }
    if (fault === "timeout-not-applied") return;
    if (fault === "timeout-applied") return void (await forward());
    if (fault === "reset-before") return void request.socket.destroy();
    if (fault === "crash-before") return crash(call);
    if (fault === "reset-after" || fault === "crash-after") {
      await forward();
      return fault === "crash-after" ? crash(call) : void request.socket.destroy();
    }
    if ("slowMs" in fault || "until" in fault) {
      await ("slowMs" in fault ? sleep(fault.slowMs) : fault.until);
      return call.abandoned ? undefined : reply(response, await forward());
    }
    if ("answers" in fault) {
      const bytes = Buffer.from(JSON.stringify(fault.answers));
      return reply(response, { status: 200, headers: {}, body: bytes });
    }
    const isMeant = (entry: string) => holds(entry, strike?.matching);
    const without = call.operation === "PutEvents" ? withoutEntry : withoutMessage;
    return reply(response, await without(body, { isMeant, ...fault }, forward));
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 120_000;
  const url = `http://${await listen(server, 0)}`;

  return {
    url,
    calls,
    /** Sets the AWS URL, of all calls or of each. Earlier calls fail. */
    forwardTo: (to: string | ((request: IncomingMessage) => string)) => {
      urlOf = typeof to === "string" ? () => to : to;
    },
    /** Faults apply in the order of planning. `end` removes the faults that have not applied. */
    plan(strike: Strike) {
      const plan = { ...strike, left: strike.times ?? 1, toPass: strike.after ?? 0 };
      planned.push(plan);
      const asked = plan.left;
      return {
        struck: () => asked - plan.left,
        end: () => {
          planned.splice(planned.indexOf(plan), 1);
        },
      };
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        agent.destroy();
      }),
  };
}

function isHit(strike: Strike, call: AwsCall): boolean {
  return (
    strike.operation === call.operation &&
    (strike.from === undefined || strike.from === call.from) &&
    holds(call.content, strike.matching) &&
    [strike.which ?? []].flat().every((text) => call.content.includes(text))
  );
}

function holds(content: string, matching: Strike["matching"] = ""): boolean {
  return typeof matching === "string" ? content.includes(matching) : matching(content);
}

/** Kills the process of the function during its call. */
function crash({ pid }: AwsCall): void {
  if (pid === undefined) throw new Error("The caller did not send its process id");
  process.kill(pid, "SIGKILL");
}

const s3Operations: Record<string, string> = { PUT: "PutObject", GET: "GetObject" };

function readCall(request: IncomingMessage, body: Buffer, bodies: Map<string, string>): AwsCall {
  const target = targetOf(request);
  const path = (request.url ?? "").split("?")[0] ?? "";
  const [, from = "", pid] = /app\/(\w+)-(\d+)/.exec(String(request.headers["user-agent"])) ?? [];
  if (target === undefined && request.method === "PUT") bodies.set(path, body.toString());
  return {
    from,
    pid: pid === undefined ? undefined : Number(pid),
    operation: target?.split(".")[1] ?? s3Operations[request.method ?? ""] ?? "unknown",
    content: `${path} ${bodies.get(path) ?? ""} ${unfolded(body.toString(), bodies)}`,
    applied: false,
    abandoned: false,
  };
}

const schedulerOperations: Record<string, string> = {
  POST: "CreateSchedule",
  GET: "GetSchedule",
  DELETE: "DeleteSchedule",
};

/** The service and operation of a call; none for S3, which names them by method and path alone. */
function targetOf({ headers, method = "", url = "" }: IncomingMessage): string | undefined {
  const target = headers["x-amz-target"]?.toString();
  if (target !== undefined || !url.startsWith("/schedules/")) return target;
  return `scheduler.${schedulerOperations[method]}`;
}

/**
 * A message of the inbound queue contains its webhook as Base64 or a reference to it, and the item
 * of a request contains most of its record packed.
 */
function unfolded(text: string, bodies: Map<string, string>): string {
  if (text.includes('"packed":{"B":')) {
    const { Item = {} } = JSON.parse(text) as { Item?: Record<string, object> };
    return `${text} ${JSON.stringify(packedRecordIn(Item))}`;
  }
  const inline = /\\"bodyBase64\\":\\"([^\\]+)/.exec(text)?.[1];
  if (inline !== undefined) return `${text} ${Buffer.from(inline, "base64").toString()}`;
  const key = /\\"bodyKey\\":\\"([^\\]+)/.exec(text)?.[1];
  const path = key && [...bodies.keys()].find((known) => known.endsWith(key));
  return path ? `${text} ${bodies.get(path)}` : text;
}

type FailedEntry = { isMeant: (entry: string) => boolean; entryFails: string };
type Forward = (body: Buffer) => Promise<Answer>;

/** Publishes all entries except the first that matches, and adds its failure to the answer. */
async function withoutEntry(
  body: Buffer,
  { isMeant, entryFails }: FailedEntry,
  forward: Forward,
): Promise<Answer> {
  const input = JSON.parse(body.toString()) as { Entries: object[] };
  const at = input.Entries.findIndex((entry) => isMeant(JSON.stringify(entry)));
  const others = input.Entries.toSpliced(at, 1);
  const answer =
    others.length > 0
      ? await forward(Buffer.from(JSON.stringify({ ...input, Entries: others })))
      : { status: 200, headers: {}, body: Buffer.from('{"Entries":[]}') };
  const output = JSON.parse(answer.body.toString()) as { Entries: object[] };
  const failure = { ErrorCode: entryFails, ErrorMessage: "planted" };
  const Entries = output.Entries.toSpliced(at, 0, failure);
  return { ...answer, body: Buffer.from(JSON.stringify({ Entries, FailedEntryCount: 1 })) };
}

/** Sends all messages except the first that matches. */
async function withoutMessage(
  body: Buffer,
  { isMeant, entryFails }: FailedEntry,
  forward: Forward,
): Promise<Answer> {
  const input = JSON.parse(body.toString()) as { Entries: { Id: string }[] };
  const refused = input.Entries.find((entry) => isMeant(JSON.stringify(entry)));
  const Entries = input.Entries.filter((entry) => entry !== refused);
  const answer =
    Entries.length > 0
      ? await forward(Buffer.from(JSON.stringify({ ...input, Entries })))
      : { status: 200, headers: {}, body: Buffer.from("{}") };
  const output = JSON.parse(answer.body.toString()) as object;
  const Failed = [{ Id: refused?.Id, Code: entryFails, SenderFault: false }];
  return { ...answer, body: Buffer.from(JSON.stringify({ ...output, Failed })) };
}

function passOn(
  awsUrl: string,
  of: { request: IncomingMessage; body: Buffer; agent: Agent },
): Promise<Answer> {
  const { request, body, agent } = of;
  const { "transfer-encoding": _, connection: __, ...headers } = request.headers;
  return new Promise((resolve, reject) => {
    const outgoing = sendRequest(
      new URL(request.url ?? "/", awsUrl),
      {
        method: request.method ?? "POST",
        headers: { ...headers, "content-length": body.length },
        agent,
      },
      (response) => {
        readBytes(response).then(
          (bytes) =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes }),
          reject,
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

function reply(response: ServerResponse, { status, headers, body }: Answer): void {
  const { "transfer-encoding": _, connection: __, ...rest } = headers;
  response.writeHead(status, { ...rest, "content-length": body.length }).end(body);
}

async function readBytes(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
