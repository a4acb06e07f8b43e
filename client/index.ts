export { Ackwire, type StoredEvent } from "./ackwire.ts";
export type * from "./api-types.ts";
export type { AckwireOptions, CallOptions, KeyedCallOptions } from "./call.ts";
export { AckwireError, type AckwireErrorCode } from "./errors.ts";
export type { List, Page } from "./pages.ts";
export {
  type IntegerForm,
  type VerifyOptions,
  verifyWebhook,
  type WebhookHeaders,
  type WebhookVerificationCode,
  WebhookVerificationError,
} from "./verify-webhook.ts";
export type { WaitOptions } from "./wait-for-request.ts";
export {
  type AckwireEvent,
  type AckwireEventType,
  type BusDetail,
  type BusEvent,
  eventTypes,
  isEvent,
  isKnownEvent,
  type WebhookEvent,
  type WebhookEventType,
  webhookEventTypes,
} from "./webhook-events.ts";
