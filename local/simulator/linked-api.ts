import { isObject, type JsonObject } from "../../shared/core/json.ts";
import type { DurableStore } from "../durable-store.ts";
import type { JsonAnswer } from "../json-server.ts";
import type { Behaviour } from "./behaviour.ts";

interface Workflow {
  workflowId: string;
  workflowStatus: string;
  completion?: unknown;
  failure?: unknown;
}

/** Linked API's `GET /workflows/{id}`: what it answers is what its webhooks said. */
export function makeLinkedApi(options: { store: DurableStore; behaviour: () => Behaviour }) {
  const workflows = options.store.collection<Workflow>("simulator-workflows");

  return {
    /** Keeps what a webhook says of its workflow, so that a question about it is answered alike. */
    remember({ type, data }: JsonObject): void {
      if (!isObject(data) || typeof data.workflowId !== "string") return;
      const workflowStatus =
        type === "workflow.completed" ? String(data.status) : statusByType[String(type)];
      if (workflowStatus === undefined) return;
      const { workflowId, result } = data;
      const parts = isObject(result) && "failure" in result ? result : { completion: result };
      workflows.put(workflowId, { workflowId, workflowStatus, ...parts });
    },

    /** `undefined` where the call is none of Linked API's. */
    async answer(request: {
      method: string;
      path: string;
      headers: Readonly<Record<string, unknown>>;
    }): Promise<JsonAnswer | undefined> {
      const id = request.path.match(/^\/workflows\/([^/]+)$/)?.[1];
      if (request.method !== "GET" || id === undefined) return undefined;
      const { errorRate, tooManyRequestsRate, lostAnswerRate } = options.behaviour();
      if (Math.random() < lostAnswerRate) return new Promise(() => undefined);
      if (Math.random() < tooManyRequestsRate) return failed(429, "tooManyRequests");
      if (Math.random() < errorRate) return failed(500, "httpError");
      if (!request.headers["linked-api-token"]) return failed(401, "linkedApiTokenRequired");
      if (!request.headers["identification-token"]) {
        return failed(401, "identificationTokenRequired");
      }
      const result = workflows.get(decodeURIComponent(id));
      return result ? { status: 200, body: { success: true, result } } : failed(404, "notFound");
    },
  };
}

const statusByType: Readonly<Record<string, string>> = {
  "workflow.created": "pending",
  "workflow.started": "running",
};

function failed(status: number, type: string): JsonAnswer {
  return { status, body: { success: false, error: { type, message: type } } };
}
