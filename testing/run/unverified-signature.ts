interface Credentials {
  accessKeyId: string;
}

interface Signable {
  headers: Record<string, string>;
}

/**
 * Takes the place of the SDK's signer in the package. The emulators read from a signature who calls
 * and which service is called, and verify none.
 */
export class SignatureV4 {
  readonly #credentials: Credentials | (() => Promise<Credentials>);
  readonly #service: string;

  constructor(options: {
    credentials: Credentials | (() => Promise<Credentials>);
    service: string;
  }) {
    this.#credentials = options.credentials;
    this.#service = options.service;
  }

  /** Adds the header in which the signature would be. */
  async sign<Request extends Signable>(
    request: Request,
    { signingService = this.#service }: { signingService?: string } = {},
  ): Promise<Request> {
    const given = this.#credentials;
    const { accessKeyId } = typeof given === "function" ? await given() : given;
    const scope = `${accessKeyId}/19700101/us-east-1/${signingService}/aws4_request`;
    request.headers.authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`;
    return request;
  }
}
