import type { IncomingMessage, ServerResponse } from "node:http";
import type { BilledUnits, CallUnits } from "./billing/billed-units.ts";
import { callUnits, s3Units } from "./billing/request-units.ts";
import type { CallCounts } from "./call-counts.ts";
import type { BusPolicies } from "./iam/bus-policy.ts";
import { iamNeeds, s3Missing, s3Needs, snsNeeds } from "./iam/iam-needs.ts";
import type { Caller, Need, RoleCheck } from "./iam/role-check.ts";
import {
  AwsError,
  credentialOf,
  type Operations,
  parseInput,
  readBody,
  sendJson,
  sendXmlError,
} from "./protocol.ts";
import { schedulerCall } from "./scheduler/scheduler-routes.ts";
import type { Fauxqs } from "./sqs/fauxqs.ts";

/** Services by the prefix of the `x-amz-target` header. */
const services = {
  AmazonSQS: "sqs",
  AWSEvents: "events",
  DynamoDB_20120810: "dynamodb",
  secretsmanager: "secretsmanager",
} as const;

type ServiceName = keyof typeof iamNeeds;

/**
 * Returns the HTTP handler of all services: it determines the service, checks the
 * caller's role, and responds in the service's protocol.
 */
export function makeFront(options: {
  operations: Record<ServiceName, Operations>;
  fauxqs: Fauxqs;
  isLocalIndex: (tableName: string, indexName: string) => boolean;
  roles: RoleCheck;
  busPolicies: BusPolicies;
  callers: Map<string, Caller>;
  calls: CallCounts;
  billed: BilledUnits;
  log: (line: string) => void;
}): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  function authorise(accessKeyId: string | undefined, needs: () => Need[]): void {
    const caller = options.callers.get(accessKeyId ?? "");
    if (caller) options.roles.require(caller, needs());
  }

  const callerOf = (request: IncomingMessage) =>
    options.callers.get(credentialOf(request).accessKeyId ?? "")?.name ?? "other";

  /**
   * Such a query reads the table too, for the attributes that the index does not
   * have, and needs a permission on both.
   */
  function isWholeItemQuery(operation: string, { TableName, IndexName }: Record<string, unknown>) {
    return operation === "Query" && options.isLocalIndex(String(TableName), String(IndexName));
  }

  async function run(
    service: ServiceName,
    call: { operation: string; input: Record<string, unknown> },
    request: IncomingMessage,
  ): Promise<unknown> {
    const { operation, input } = call;
    const { accessKeyId = "" } = credentialOf(request);
    authorise(accessKeyId, () => [
      ...iamNeeds[service](operation, input),
      ...(isWholeItemQuery(operation, input) ? iamNeeds.dynamodb(operation, tableOf(input)) : []),
    ]);
    if (service === "events" && operation === "PutEvents") {
      options.busPolicies.require(options.callers.get(accessKeyId), input);
    }
    const handle = options.operations[service][operation];
    if (!handle) {
      throw new AwsError(
        "UnknownOperationException",
        `The local run does not support ${service}:${operation}.`,
      );
    }
    const caller = callerOf(request);
    const name = `${service}:${operation}`;
    const bill = (units: CallUnits) => options.billed.add({ caller, operation: name, ...units });
    const count = (output?: unknown) => {
      options.calls.count(caller, name, input, output);
      for (const units of callUnits({ service, operation, input, output })) bill(units);
    };
    // Failed calls are billed too.
    if (operation !== "ReceiveMessage") count();
    const output = await handle(input as never, request, bill);
    if (operation === "ReceiveMessage") count(output);
    return output;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = request.headers["x-amz-target"];
    const { accessKeyId, service } = credentialOf(request);
    const contentType = request.headers["content-type"] ?? "application/json";
    if (typeof target === "string") {
      const [prefix = "", operation = ""] = target.split(".");
      const name = services[prefix as keyof typeof services];
      const input = parseInput(await readBody(request));
      if (!name) throw new AwsError("UnknownOperationException", `Unknown target ${target}.`);
      const body = await run(name, { operation, input }, request);
      return sendJson(response, { body, contentType });
    }
    if (service === "scheduler") {
      const body = await readBody(request);
      const call = schedulerCall(request, parseInput(body));
      const output = await run("scheduler", call, request);
      return sendJson(response, { body: output, contentType: "application/json" });
    }
    if (contentType.startsWith("application/x-www-form-urlencoded")) {
      const body = await readBody(request);
      authorise(accessKeyId, () => snsNeeds(new URLSearchParams(body)));
      return options.fauxqs.form(body, response);
    }
    authorise(accessKeyId, () => s3Needs(request));
    // S3 tells only a caller that may list the bucket that it does not have an object.
    const missing = s3Missing(request, options.fauxqs.s3.buckets);
    if (missing) authorise(accessKeyId, () => [missing]);
    const caller = callerOf(request);
    const operation = `s3:${request.method}`;
    options.calls.count(caller, operation, undefined);
    const units = s3Units(request.method);
    if (units) options.billed.add({ caller, operation, ...units });
    return options.fauxqs.route(request, response);
  }

  return async (request, response) => {
    try {
      await answer(request, response);
    } catch (error) {
      if (response.headersSent) return void response.destroy();
      sendError(request, response, asAwsError(error));
    }
  };

  function asAwsError(error: unknown): AwsError {
    if (error instanceof AwsError) return error;
    options.log(`local AWS endpoint: ${error instanceof Error ? error.stack : error}`);
    return new AwsError(
      "InternalFailure",
      "The local AWS endpoint failed; the reason is in its log.",
      {
        status: 500,
      },
    );
  }
}

function tableOf({ IndexName, ...input }: Record<string, unknown>): Record<string, unknown> {
  return input;
}

function sendError(request: IncomingMessage, response: ServerResponse, error: AwsError): void {
  const isJson = request.headers["x-amz-target"] || credentialOf(request).service === "scheduler";
  if (isJson) {
    sendJson(response, {
      status: error.status,
      body: { __type: error.code, message: error.message, ...error.members },
      contentType: request.headers["content-type"] ?? "application/json",
      headers: { "x-amzn-errortype": error.name, ...error.headers },
    });
    return;
  }
  // The client is still sending the body of the rejected upload, so the connection cannot be
  // reused.
  response.shouldKeepAlive = false;
  const isDenied = error.name === "AccessDeniedException";
  sendXmlError(
    response,
    isDenied ? new AwsError("AccessDenied", error.message, { status: 403 }) : error,
  );
}
