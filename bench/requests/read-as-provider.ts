import type { LocalFile } from "../../local/run/local-file.ts";
import { type Api, forEach } from "../run/api.ts";
import type { Order } from "./orders.ts";

/** A request as a client sees it that speaks its provider's protocol, in the native API's words. */
export async function readAsProvider(
  local: LocalFile,
  api: Api,
  orders: readonly Order[],
): Promise<Map<string, { status: string; result: string }>> {
  const read = new Map<string, { status: string; result: string }>();
  const tokens = await identificationTokens(api, orders);
  await forEach(orders, 10, async ({ requestId, provider, accountId }) => {
    if (requestId === undefined) return;
    if (provider === "we-link") {
      const { status, result } = await api.call<{ status: string; result?: unknown }>(
        "/api/v1/get_response",
        { headers: local.dialects["we-link"]?.headers ?? {}, body: { request_id: requestId } },
      );
      read.set(requestId, { status: weLink[status] ?? status, result: text(result) });
      return;
    }
    const { result } = await api.call<{
      result: { workflowStatus: string; completion?: unknown };
    }>(`/workflows/${requestId}`, {
      headers: {
        "linked-api-token": local.apiKey,
        "identification-token": tokens.get(accountId) ?? "",
      },
    });
    const { workflowStatus, completion } = result;
    const status = linkedApi[workflowStatus] ?? workflowStatus;
    read.set(requestId, { status, result: text(completion) });
  });
  return read;
}

const weLink: Record<string, string> = { SUCCESS: "SUCCEEDED", FAILED: "FAILED" };
const linkedApi: Record<string, string> = { completed: "SUCCEEDED", failed: "FAILED" };

const text = (result: unknown) => JSON.stringify(result ?? null);

async function identificationTokens(api: Api, orders: readonly Order[]) {
  const tokens = new Map<string, string>();
  const linked = orders.filter(({ provider, n }) => provider === "linked-api" && n === 0);
  await forEach(linked, 10, async ({ accountId }) => {
    const { identificationToken } = await api.call<{ identificationToken: string }>(
      `/v1/accounts/${accountId}?provider=linked-api`,
    );
    tokens.set(accountId, identificationToken);
  });
  return tokens;
}
