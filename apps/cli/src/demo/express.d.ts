/** The part of Express 5 that the sample customer server uses; the package brings no types of its own. */
declare module 'express' {
  import type { IncomingHttpHeaders, Server } from 'node:http';

  export interface Request {
    headers: IncomingHttpHeaders;
    body: unknown;
  }

  export interface Response {
    status(code: number): this;
    json(body: unknown): this;
  }

  interface Application {
    use(handler: object): this;
    post(path: string, handler: (request: Request, response: Response) => unknown): this;
    listen(port: number, host: string, callback: (error?: Error) => void): Server;
  }

  interface Express {
    (): Application;
    json(): object;
  }

  const express: Express;
  export default express;
}
