import type { IncomingMessage } from "node:http";
import { AwsError } from "../protocol.ts";

/**
 * Returns the operation of a REST request to Scheduler, and its input from path,
 * query and body.
 */
export function schedulerCall(
  request: IncomingMessage,
  body: Record<string, unknown>,
): { operation: string; input: Record<string, unknown> } {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const [, root, name, ...rest] = url.pathname.split("/");
  const query = (parameter: string) => url.searchParams.get(parameter) ?? undefined;
  if (root === "schedules" && rest.length === 0) {
    if (!name && request.method === "GET") {
      return {
        operation: "ListSchedules",
        input: {
          GroupName: query("ScheduleGroup"),
          NamePrefix: query("NamePrefix"),
          State: query("State"),
        },
      };
    }
    const Name = decodeURIComponent(name ?? "");
    const operations: Record<string, string> = {
      POST: "CreateSchedule",
      PUT: "UpdateSchedule",
      GET: "GetSchedule",
      DELETE: "DeleteSchedule",
    };
    const operation = operations[request.method ?? ""];
    if (operation === "CreateSchedule" || operation === "UpdateSchedule") {
      return { operation, input: { ...body, Name } };
    }
    if (operation) return { operation, input: { Name, GroupName: query("groupName") } };
  }
  throw new AwsError(
    "UnknownOperationException",
    `The local scheduler does not know ${request.method} ${url.pathname}.`,
    { status: 404 },
  );
}
