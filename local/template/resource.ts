/** A resource of the synthesised template. Intrinsic functions in its properties are resolved. */
export interface Resource {
  logicalId: string;
  type: string;
  properties: Record<string, unknown>;
}

export interface Template {
  /** Returns every resource of a CloudFormation type, in the order of the template. */
  resources(type: string): Resource[];
  /** @throws Error when there is no such resource; the message names the logical id */
  resource(logicalId: string): Resource;
  /** The resolved outputs of the stack, by key. */
  outputs: Record<string, string>;
  /** Returns the absolute path of the directory of an asset (the `S3Key` of a function's code). */
  assetDirectory(s3Key: string): string;
}
