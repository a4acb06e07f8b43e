import type { HandlerAnswer, OperationInput } from "../../contracts/http/operation.ts";
import { isObject, type JsonObject, parseJsonObject } from "../../core/json/json.ts";
import { isSuccess } from "../../core/providers/answer-body.ts";
import type { DialectRelay } from "../../core/providers/dialect.ts";
import type { ProviderAnswer } from "../../core/providers/provider-client.ts";
import {
  linkedApiRelayedOperations,
  type RelayedOperationId,
} from "./dialect-relayed-operations.ts";

type Input = Pick<
  OperationInput<(typeof linkedApiRelayedOperations)[RelayedOperationId]>,
  "clientId" | "accountId" | "mayWrite" | "query" | "body" | "bodyText"
>;

/** Passes each relayed operation to Linked API; accounts are shown with the tokens that are valid here. */
export function linkedApiRelayedHandlers(
  relay: DialectRelay,
): Readonly<Record<RelayedOperationId, (input: Input) => Promise<HandlerAnswer>>> {
  const send = (id: RelayedOperationId, { clientId, accountId, query, bodyText }: Input) => {
    const { method, path, needsAccount } = linkedApiRelayedOperations[id];
    const search = new URLSearchParams(query as Record<string, string>).toString();
    return relay.call({
      clientId,
      ...(needsAccount === false ? {} : { accountId }),
      call: {
        method: method as "GET" | "POST",
        path: search === "" ? path : `${path}?${search}`,
        ...(bodyText === undefined ? {} : { body: bodyText }),
      },
    });
  };
  const ids = Object.keys(linkedApiRelayedOperations) as RelayedOperationId[];
  const asItIs = Object.fromEntries(
    ids.map((id) => [id, async (input: Input) => (await send(id, input)).answer]),
  ) as Record<RelayedOperationId, (input: Input) => Promise<HandlerAnswer>>;

  return {
    ...asItIs,
    async linkedApiGetAccounts(input) {
      const { answer, connectionId, askedRealMs } = await send("linkedApiGetAccounts", input);
      return withResult(answer, async (result) => {
        if (!Array.isArray(result.accounts)) return;
        const { clientId, mayWrite = false } = input;
        // A token that is regenerated while this call is under way is newer than its answer.
        const owner = { clientId, connectionId, askedRealMs };
        const accounts = result.accounts.filter(isObject);
        await Promise.all(accounts.map((one) => replaceToken(relay, one, { owner, mayWrite })));
      });
    },
    async linkedApiRegenerateToken(input) {
      const { answer, connectionId } = await send("linkedApiRegenerateToken", input);
      const { accountId } = isObject(input.body) ? input.body : {};
      return withResult(answer, async (result) => {
        const { token } = result;
        if (!isAccountId(accountId) || !isToken(token)) return;
        const owner = { clientId: input.clientId, connectionId, accountId };
        result.token = await relay.registerAccount({ ...owner, providerToken: token });
      });
    },
  };
}

/**
 * Replaces the provider's token of an account by the one that is valid here: clients use it in
 * their next calls. Registers the account under it where the caller's key may write.
 */
async function replaceToken(
  relay: DialectRelay,
  account: JsonObject,
  of: {
    owner: { clientId: string; connectionId: string; askedRealMs: number };
    mayWrite: boolean;
  },
): Promise<void> {
  const { id: accountId, identificationToken: providerToken } = account;
  if (!isAccountId(accountId) || !isToken(providerToken)) return;
  account.identificationToken = of.mayWrite
    ? await relay.registerAccount({ ...of.owner, accountId, providerToken })
    : await relay.tokenOf({ clientId: of.owner.clientId, accountId });
}

/** Returns a successful answer with a changed result, in which every number keeps its digits; any other answer as it is. */
async function withResult(
  answer: ProviderAnswer,
  change: (result: JsonObject) => Promise<void>,
): Promise<ProviderAnswer> {
  const body = isSuccess(answer) ? envelopeIn(answer) : undefined;
  if (!body || !isObject(body.result)) return answer;
  await change(body.result);
  return { ...answer, body: Buffer.from(JSON.stringify(body)) };
}

function envelopeIn({ body }: ProviderAnswer): JsonObject | undefined {
  try {
    return parseJsonObject(body, "exact").value;
  } catch {
    // It is passed on as it is.
    return undefined;
  }
}

/** Whether an account with this id can be stored; `PUT /v1/accounts/{accountId}` accepts fewer. */
function isAccountId(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value !== "" &&
    value.isWellFormed() &&
    Buffer.byteLength(value) <= 512
  );
}

function isToken(value: unknown): value is string {
  return typeof value === "string" && /^[\x20-\x7e]{1,1000}$/.test(value);
}
