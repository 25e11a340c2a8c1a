/** `send` was called after `close`, or `close` cut it short: whether the endpoint got the request is unknown. */
export class SenderClosedError extends Error {
  constructor() {
    super('The sender was closed before the attempt ended');
    this.name = 'SenderClosedError';
  }
}
