import * as z from "zod/mini";
import type { OperationHandlers } from "../../../shared/contracts/http/operation.ts";
import { plain, text } from "../../../shared/contracts/http/parts.ts";
import { type Dialect, refusalMessage } from "../../../shared/core/providers/dialect.ts";

const operations = {
  acmeStartJob: {
    ...plain,
    operationId: "acmeStartJob",
    method: "POST",
    path: "/acme/jobs",
    summary: "Starts a job in Acme's protocol",
    body: z.strictObject({ account: text(128), action: text(32) }),
    takesIdempotencyKey: true,
    answer: {
      status: 200,
      description: "The job is accepted",
      schema: z.object({ job: z.string() }),
    },
    problems: [409],
  },
} as const;

export const acmeDialect: Dialect = {
  credentials: [
    { header: "x-acme-key", holds: "apiKey", scheme: "acmeKey", description: "The API key" },
  ],
  operations,
  handlers: ({ requests }) =>
    ({
      async acmeStartJob({ clientId, body: { account: accountId, action }, idempotencyKey }) {
        const { requestId } = await requests.accept({
          clientId,
          accountId,
          action,
          params: {},
          idempotencyKey,
        });
        return JSON.stringify({ job: requestId });
      },
    }) satisfies OperationHandlers<typeof operations>,
  errorSchema: z.object({ problem: z.string() }),
  errorBody: (refusal) => ({ problem: refusalMessage(refusal) }),
};
