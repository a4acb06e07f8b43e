/** A fault of one call to AWS. */
export type Fault =
  /** The service's own throttling error. */
  | "throttle"
  /** The service's internal error, 500. */
  | "internal"
  /** 503. */
  | "unavailable"
  /** The call is applied; its answer never comes. */
  | "timeout-applied"
  | "timeout-not-applied"
  /** The connection is cut instead of an answer. */
  | "reset-before"
  | "reset-after"
  /** The function that called is killed, before the call is applied or after. */
  | "crash-before"
  | "crash-after"
  /** Forwarded after this many milliseconds, unless the caller has disconnected by then. */
  | { slowMs: number }
  /** Forwarded when this promise settles, unless the caller has disconnected by then. */
  | { until: Promise<unknown> }
  /** The call is answered 200 with this, and is not applied. */
  | { answers: object }
  /** PutEvents or SendMessageBatch answers 200; the matching entry failed with this code and is not applied. */
  | { entryFails: string };

export interface ErrorAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

interface ServiceErrors {
  throttle: [status: number, code: string];
  internal: [status: number, code: string];
  unavailable: [status: number, code: string];
}

/** By the prefix of `x-amz-target`; S3 has no target. */
const errorsOf: Record<string, ServiceErrors> = {
  DynamoDB_20120810: {
    throttle: [400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"],
    internal: [500, "com.amazonaws.dynamodb.v20120810#InternalServerError"],
    unavailable: [503, "com.amazonaws.dynamodb.v20120810#ServiceUnavailable"],
  },
  AmazonSQS: {
    throttle: [400, "com.amazonaws.sqs#RequestThrottled"],
    internal: [500, "com.amazon.coral.service#InternalFailure"],
    unavailable: [503, "com.amazon.coral.service#ServiceUnavailableException"],
  },
  AWSEvents: {
    throttle: [400, "ThrottlingException"],
    internal: [500, "InternalException"],
    unavailable: [503, "ServiceUnavailable"],
  },
  scheduler: {
    throttle: [429, "ThrottlingException"],
    internal: [500, "InternalServerException"],
    unavailable: [503, "ServiceUnavailableException"],
  },
  secretsmanager: {
    throttle: [400, "ThrottlingException"],
    internal: [500, "InternalServiceError"],
    unavailable: [503, "ServiceUnavailable"],
  },
};

const s3Errors: ServiceErrors = {
  throttle: [503, "SlowDown"],
  internal: [500, "InternalError"],
  unavailable: [503, "ServiceUnavailable"],
};

/** The error in the format of the service, so that the SDK recognises it. */
export function errorAnswer(
  kind: keyof ServiceErrors,
  target: string | undefined,
  contentType = "application/x-amz-json-1.0",
): ErrorAnswer {
  if (target === undefined) {
    const [status, code] = s3Errors[kind];
    const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>planted</Message></Error>`;
    return { status, headers: { "content-type": "application/xml" }, body };
  }
  const errors = errorsOf[target.split(".")[0] ?? ""];
  if (!errors) throw new Error(`No error format is defined for ${target}`);
  const [status, code] = errors[kind];
  return {
    status,
    headers: { "content-type": contentType, "x-amzn-errortype": code },
    body: JSON.stringify({ __type: code, message: "planted" }),
  };
}
