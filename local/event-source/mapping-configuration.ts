import * as z from "zod/mini";
import { allowsRecursion } from "../lambda/function-configuration.ts";
import { physicalName, refOf } from "../physical-name.ts";
import { readProperties } from "../template/read-properties.ts";
import { arnOfResource, findResource } from "../template/references.ts";
import type { Resource, Template } from "../template/resource.ts";
import { functionOf } from "../template/wiring.ts";

/** An `AWS::Lambda::EventSourceMapping` of an SQS queue. */
export interface MappingConfiguration {
  logicalId: string;
  functionId: string;
  functionArn: string;
  /** Whether the function may be invoked by a chain of its own messages without end. */
  allowsRecursion: boolean;
  queueId: string;
  queueArn: string;
  queueUrl: string;
  visibilityTimeoutMs: number;
  batchSize: number;
  windowMs: number;
  maxConcurrency: number;
  reportsFailures: boolean;
  isEnabled: boolean;
}

// CloudFormation's defaults. A property that the local run does not support is rejected, not
// ignored.
const propertiesSchema = z.strictObject({
  BatchSize: z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(10_000)), 10),
  Enabled: z._default(z.boolean(), true),
  EventSourceArn: z.string(),
  FunctionName: z.string(),
  FunctionResponseTypes: z._default(z.array(z.literal("ReportBatchItemFailures")), []),
  MaximumBatchingWindowInSeconds: z._default(z.coerce.number().check(z.gte(0), z.lte(300)), 0),
  MetricsConfig: z.optional(z.unknown()),
  ScalingConfig: z._default(
    z.object({
      MaximumConcurrency: z.optional(z.coerce.number().check(z.int(), z.gte(2), z.lte(1_000))),
    }),
    {},
  ),
  Tags: z.optional(z.unknown()),
});

/**
 * @throws Error for a mapping that the local run does not support; the message
 *   names it and the property
 */
export function readMapping(
  template: Template,
  mapping: Resource,
  awsUrl: string,
): MappingConfiguration {
  const { logicalId } = mapping;
  const found = readProperties(propertiesSchema, mapping);
  const queue = findResource(template, "AWS::SQS::Queue", found.EventSourceArn);
  const target = functionOf(template, found.FunctionName);
  if (!queue || !target) {
    throw new Error(`event source mapping ${logicalId}: its queue or function does not exist`);
  }
  return {
    logicalId,
    functionId: target.logicalId,
    functionArn: arnOfResource(target),
    allowsRecursion: allowsRecursion(target),
    queueId: queue.logicalId,
    queueArn: found.EventSourceArn,
    queueUrl: refOf(
      queue.type,
      physicalName(queue.type, queue.logicalId, queue.properties),
      awsUrl,
    ),
    visibilityTimeoutMs: Number(queue.properties.VisibilityTimeout ?? 30) * 1_000,
    batchSize: found.BatchSize,
    windowMs: found.MaximumBatchingWindowInSeconds * 1_000,
    maxConcurrency: found.ScalingConfig.MaximumConcurrency ?? Number.POSITIVE_INFINITY,
    reportsFailures: found.FunctionResponseTypes.length > 0,
    isEnabled: found.Enabled,
  };
}
