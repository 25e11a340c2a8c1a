# One image for every process; the command says which:
#   node apps/api/src/main.ts                             the API (the default)
#   node apps/worker/src/main.ts                          a worker
#   node apps/platform/src/database/migrate-command.ts    migrations, then exit

# The same install as on a developer's machine; it generates the database client.
FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY prisma prisma
COPY apps apps
RUN npm ci

# Node runs the TypeScript as it is. Without optional packages: they are the embedded PostgreSQL, which
# production refuses, and the command-line tools of Prisma.
FROM node:26-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 WORKER_PORT=3001
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY prisma prisma
COPY apps apps
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force
COPY --from=build /app/apps/platform/src/generated apps/platform/src/generated
USER node
EXPOSE 3000 3001
CMD ["node", "apps/api/src/main.ts"]
