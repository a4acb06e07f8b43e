import type { InboundHashForm } from "../../contracts/webhook-forms.ts";
import type { ProviderEvent } from "../events/provider-event.ts";
import type { JsonObject, ParsedJson } from "../json/json.ts";
import type { Dialect } from "./dialect.ts";
import type { ProviderHttpCall } from "./http-call.ts";
import type { Credentials, ProviderClient } from "./provider-client.ts";
import type { ProviderWebhookFormat } from "./webhook-format.ts";

/** A webhook of a provider as it was received, with its body parsed. */
export interface ProviderWebhook extends ParsedJson {
  /** The body from which `text` was read; signatures of whole bodies cover these bytes. */
  bytes: Uint8Array;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
}

/**
 * How a webhook is signed: a form of a `hash` in its body; `header`: a signature
 * in a header; `url`: not at all, so that the token in the inbound URL is the only proof.
 */
export type SignatureForm = InboundHashForm | "header" | "url";

/** Whether a webhook is authentic, and which form of signature showed it. */
export type Verification =
  | {
      kind: "verified";
      form: SignatureForm;
      /** How the signed text was written: the sender's next webhook is tried with it first. */
      encoding?: string;
    }
  /**
   * The provider signed the request's id but not the body, so anyone may have
   * written the body until the provider confirms it.
   */
  | { kind: "bodyNotSigned"; form: InboundHashForm }
  | { kind: "invalid" };

export interface VerificationInput {
  /** The connection's webhook secrets; any of them may have signed. */
  secrets: readonly string[];
  settings: { hashForms: readonly InboundHashForm[]; allowUnboundJwt: boolean };
  /** The `encoding` of the connection's last verified webhook, if it is known. */
  lastEncoding?: string | undefined;
  /** Real time, against which a token's validity is checked. */
  nowMs: number;
}

/** Everything that is particular to one provider: data and pure functions. */
export interface ProviderPack<Id extends string = string> {
  /** Lower case, digits and hyphens: it is part of inbound URLs and stored in items. */
  id: Id;
  /** The provider's name in messages to people. */
  name: string;
  /**
   * Where the provider's API is: https, without a query or a trailing slash. A
   * deployment replaces it with the context `providerBaseUrls`, as the local run does.
   */
  baseUrl: string;
  /** Names, in lower case, of the headers that authenticate a connection at the provider. */
  credentialHeaders: readonly string[];
  /** `true`: a connection cannot be created without the secret that signs the provider's webhooks. */
  requiresWebhookSecret: boolean;
  /**
   * Names, in lower case, of the headers that `verify` reads: they are kept with a webhook in
   * quarantine, which is verified again later.
   */
  signatureHeaders: readonly string[];
  /**
   * Name, in lower case, of the header with the provider's token of one account.
   * Where there is one, requests are accepted only for accounts registered with
   * their token.
   */
  accountTokenHeader?: string;
  /** `true`: the provider signs nothing, so events of accounts that are not registered are marked. */
  marksUnknownAccounts?: true;
  /** What a request's `action` must look like. */
  actionPattern: RegExp;
  /** `true`: a request's `params` may be a list of actions. */
  takesActionList?: true;
  /** `true`: the provider's body names the account in a member of its own, which params therefore cannot have. */
  takesAccountInBody?: true;
  /** The provider's API, to which requests are submitted. */
  client: ProviderClient;
  verify(webhook: ProviderWebhook, input: VerificationInput): Verification;
  /**
   * Translates a webhook into an event.
   *
   * @throws FRAME_INVALID when it lacks what every webhook of this provider carries
   */
  parseWebhook(webhook: ProviderWebhook): ProviderEvent;
  /**
   * Signs a webhook of Ackwire in the provider's own scheme, for receivers that verify
   * that; absent where the provider's scheme is part of a webhook format.
   *
   * @param webhook.timestampSeconds when this attempt is made (real time)
   */
  signWebhook?(webhook: {
    body: string;
    timestampSeconds: number;
    secret: string;
  }): Readonly<Record<string, string>>;
  /** How to ask the provider whether a webhook is true; absent where that is impossible. */
  confirmation?: {
    /** Returns `undefined` where the provider has no call that answers this. */
    request(event: ProviderEvent, credentials: Credentials): ProviderHttpCall | undefined;
    /**
     * Returns the event according to the provider's answer; `undefined` when the
     * answer contradicts the webhook.
     *
     * @throws UNCONFIRMED when the answer cannot be read
     */
    read(event: ProviderEvent, answer: JsonObject): ProviderEvent | undefined;
  };
  /** The provider's protocol for Ackwire's own clients; absent: they use Ackwire's API. */
  dialect?: Dialect;
  /** The provider's webhook payloads for Ackwire's own clients; absent: they get envelopes. */
  webhookFormat?: ProviderWebhookFormat;
}
