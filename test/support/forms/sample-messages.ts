import type {
  AttemptMessage,
  DeliveryMessage,
} from "../../../shared/contracts/messages/delivery.ts";
import type { InboundMessage } from "../../../shared/contracts/messages/inbound.ts";
import type { SubmitMessage } from "../../../shared/contracts/messages/submit.ts";

/** Every member of a message, the optional ones too: one that is added must be sampled. */
type Whole<Message> = { [Member in keyof Message]-?: Exclude<Message[Member], undefined> };

type Submit<Kind extends SubmitMessage["kind"]> = Whole<Extract<SubmitMessage, { kind: Kind }>>;

const inbound: Whole<InboundMessage> = {
  v: 1,
  provider: "we-link",
  clientId: "cl_form",
  connectionId: "cn_form",
  receivedAtMs: 1_782_302_400_000,
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  verifyByFetch: true,
  bodyBase64: "e30=",
  waitUntilRealMs: 1_782_302_400_001,
  waits: 1,
  bodyKey: "inbound/key",
};

const submit: { [Kind in SubmitMessage["kind"]]: Submit<Kind> } = {
  accepted: { v: 1, kind: "accepted", requestId: "rq_form", wakesLane: true },
  acceptedBatch: { v: 1, kind: "acceptedBatch", requestIds: ["rq_form"], wakesLane: false },
  wakeUp: { v: 1, kind: "wakeUp", lane: "lane", dueMs: 1 },
  due: { v: 1, kind: "due", requestId: "rq_form" },
  recur: {
    ...{ v: 1, kind: "recur", clientId: "cl_form", recurringId: "weekly" },
    firesAt: "2026-06-25T12:00:00Z",
  },
  dependency: { v: 1, kind: "dependency", requestId: "rq_form" },
  continue: { v: 1, kind: "continue", requestId: "rq_form" },
};

const delivery: {
  attempt: Whole<AttemptMessage>;
  job: Whole<Extract<DeliveryMessage, { kind: "job" }>>;
} = {
  attempt: {
    v: 1,
    kind: "attempt",
    deliveryId: "dl_form",
    clientId: "cl_form",
    webhookId: "wh_form",
    requestId: "rq_form",
    unstored: {
      eventId: "workflow.created:rq_form",
      eventType: "workflow.created",
      createdMs: 1,
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      body: "{}",
    },
    heldMs: 2,
  },
  job: { v: 1, kind: "job", jobId: "job_form", clientId: "cl_form" },
};

/** A message of every form that this version sends, by queue. */
export const sampleMessages = {
  inbound: [inbound],
  submit: Object.values(submit),
  delivery: Object.values(delivery),
};
