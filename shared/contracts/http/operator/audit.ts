import * as z from "zod/mini";
import { auditRecord } from "../../operator-action.ts";
import { listOf, named, ok, paging, text, time } from "../parts.ts";
import { look, type OperatorOperation } from "./operation.ts";

/** What persons have changed. */

const auditView = named("AuditRecord", auditRecord);

export const auditOperations = {
  listAudit: {
    ...look,
    operationId: "listAudit",
    path: "/v1/operator/audit",
    summary: "Lists the changes that persons made in the last year, newest first",
    query: z.strictObject({
      ...paging,
      clientId: z.exactOptional(text(128)),
      who: z.exactOptional(text(300)),
      action: z.exactOptional(text(64)),
      until: z.exactOptional(time),
    }),
    answer: ok(
      "A page; it may be shorter than `limit` while there is a `nextCursor`",
      listOf(auditView),
    ),
    problems: [],
  },
} as const satisfies Record<string, OperatorOperation>;
