/** One resource of the synthesised template, its properties with every intrinsic function resolved. */
export interface Resource {
  logicalId: string;
  type: string;
  properties: Record<string, unknown>;
}

export interface Template {
  /** Every resource of one CloudFormation type, in the template's order. */
  resources(type: string): Resource[];
  /** @throws when there is none; the message names the logical id */
  resource(logicalId: string): Resource;
  /** The stack's outputs, resolved, by their key. */
  outputs: Record<string, string>;
  /** Absolute path of the directory that holds an asset of the template (`S3Key` of its code). */
  assetDirectory(s3Key: string): string;
}
