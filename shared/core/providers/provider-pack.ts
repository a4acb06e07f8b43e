import type { ProviderId } from "../../contracts/providers.ts";
import type { HashForm } from "../../contracts/webhook-forms.ts";
import type { InboundEvent } from "../events/inbound-event.ts";
import type { JsonObject, ReadJson } from "../json/json.ts";
import type { ProviderHttpCall } from "./http-call.ts";
import type { ProviderClient } from "./provider-client.ts";

/** A webhook as it came, its body read. */
export interface Webhook extends ReadJson {
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
}

/** Whether a webhook is the provider's, and by which form of its signature that was seen. */
export type Verification =
  | { kind: "verified"; form: HashForm | "url" }
  /** Signed by the provider, but for the request alone: the body is anybody's until the provider confirms it. */
  | { kind: "unbound"; form: HashForm }
  | { kind: "invalid" };

export interface VerificationDeps {
  /** Any of them may have signed. */
  secrets: readonly string[];
  settings: { hashForms: readonly HashForm[]; allowUnboundJwt: boolean };
  /** Real time: a token says in it from when to when it holds. */
  nowMs: number;
}

/** All that is particular to one provider: data and pure functions. */
export interface ProviderPack {
  id: ProviderId;
  requests: ProviderClient;
  verify(webhook: Webhook, deps: VerificationDeps): Verification;
  /**
   * What the webhook says.
   *
   * @throws FRAME_INVALID when it lacks what each of this provider's webhooks carries
   */
  read(webhook: Webhook): InboundEvent;
  /** True where the provider signs nothing, so that events of accounts nobody registered are marked. */
  marksUnknownAccounts?: true;
  /** How to ask the provider whether what a webhook says is so. */
  confirmation?: {
    /** `undefined`: the provider has no call that tells. */
    request(
      event: InboundEvent,
      credentials: Readonly<Record<string, string>>,
    ): ProviderHttpCall | undefined;
    /**
     * The event as the provider's answer tells it; `undefined` when it tells another story.
     *
     * @throws UNCONFIRMED when the answer is none of this provider's
     */
    read(event: InboundEvent, answer: JsonObject): InboundEvent | undefined;
  };
}
