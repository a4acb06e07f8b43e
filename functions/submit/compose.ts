import { randomUUID } from "node:crypto";
import { makeDynamoIdempotency } from "../../shared/adapters/dynamo/dynamo-idempotency.ts";
import { makeDynamoRecurring } from "../../shared/adapters/dynamo/dynamo-recurring.ts";
import { randomHex } from "../../shared/adapters/random-hex.ts";
import { readDeadline } from "../../shared/adapters/read-deadline.ts";
import { makePublishPorts } from "../../shared/composition/event-ports.ts";
import { makeFunctionBase } from "../../shared/composition/function-base.ts";
import { makePausingProviderPorts } from "../../shared/composition/provider-ports.ts";
import { makeRequestPorts } from "../../shared/composition/request-ports.ts";
import {
  composeSubmission,
  type SubmissionPorts,
} from "../../shared/composition/request-use-cases.ts";
import { tracingDeps } from "../../shared/composition/tracing-deps.ts";
import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import { sealedWith } from "../../shared/core/crypto/master-keys.ts";

export type SubmitDeps = ReturnType<typeof composeSubmission>;

export function compose(
  env: ParsedEnvironment<"submit">,
  observer: Pick<SubmissionPorts, "onAbandoned" | "onNonFatalError">,
): SubmitDeps {
  const { onAbandoned, onNonFatalError } = observer;
  const base = makeFunctionBase(env, onNonFatalError);
  return composeSubmission({
    ...makeRequestPorts(base, env, onNonFatalError),
    ...makePublishPorts(base, env),
    ...makePausingProviderPorts(base, env),
    ...tracingDeps(env),
    masterKeys: (sealed) => base.readMasterKeys(readDeadline(), sealedWith(sealed)),
    newOwner: randomUUID,
    random: Math.random,
    recurring: makeDynamoRecurring({ client: base.client, tableName: env.CONFIG_TABLE }),
    idempotency: makeDynamoIdempotency({
      client: base.client,
      clock: base.clock,
      tableName: env.REQUESTS_TABLE,
    }),
    randomHex,
    onAbandoned,
  });
}
