// What a program with octokit does to a repository. Reads {baseUrl, token, owner, repo} from the standard input,
// writes what it saw to the standard output as JSON.
import { readFileSync } from "node:fs";
import { Octokit } from "@octokit/rest";

const { baseUrl, token, owner, repo } = JSON.parse(readFileSync(0, "utf8"));
const octokit = new Octokit({ baseUrl, auth: token, userAgent: "story/1.0" });
const at = { owner, repo };

const refused = async (request) => {
  try {
    await request;
    return null;
  } catch (error) {
    return { status: error.status, message: error.message, errors: error.response?.data?.errors ?? null };
  }
};

const user = await octokit.rest.users.getAuthenticated();
const found = await octokit.rest.repos.get(at);
const branches = await octokit.paginate(octokit.rest.repos.listBranches, { ...at, per_page: 2 });
const page = await octokit.rest.repos.listBranches({ ...at, per_page: 2 });
const main = branches.find((each) => each.name === "main");
await octokit.rest.git.createRef({ ...at, ref: "refs/heads/octo", sha: main.commit.sha });
const content = Buffer.from("from octokit\n").toString("base64");
const written = await octokit.rest.repos.createOrUpdateFileContents({
  ...at, path: "octo/füße.txt", message: "Write", content, branch: "octo",
});
const read = await octokit.rest.repos.getContent({ ...at, path: "octo/füße.txt", ref: "octo" });
const pull = await octokit.rest.pulls.create({ ...at, head: "octo", base: "main", title: "Octo", body: "By octokit" });
const twice = await refused(octokit.rest.pulls.create({ ...at, head: "octo", base: "main", title: "Again" }));
await octokit.rest.issues.createComment({ ...at, issue_number: pull.data.number, body: "Fine" });
const comments = await octokit.rest.issues.listComments({ ...at, issue_number: pull.data.number });
const open = await octokit.rest.pulls.list({ ...at, state: "open", head: `${owner}:octo` });
const merged = await octokit.rest.pulls.merge({ ...at, pull_number: pull.data.number, merge_method: "squash" });
const compared = await octokit.rest.repos.compareCommitsWithBasehead({ ...at, basehead: `${main.commit.sha}...main` });
const key = await octokit.rest.actions.getRepoPublicKey(at);
const unsealed = await refused(
  octokit.rest.actions.createOrUpdateRepoSecret({
    ...at, secret_name: "PLAIN", encrypted_value: Buffer.from("not sealed").toString("base64"), key_id: key.data.key_id,
  }),
);
await octokit.rest.actions.createRepoVariable({ ...at, name: "FLAG", value: "on" });
const variables = await octokit.paginate(octokit.rest.actions.listRepoVariables, { ...at, per_page: 1 });
await octokit.rest.repos.replaceAllTopics({ ...at, names: ["octo"] });
const unchanged = await refused(
  octokit.rest.repos.get({ ...at, headers: { "if-none-match": (await octokit.rest.repos.get(at)).headers.etag } }),
);
const renamed = await octokit.rest.repos.update({ ...at, name: `${repo}-renamed` });
const followed = await octokit.rest.repos.get(at);
const none = await refused(octokit.rest.repos.get({ owner, repo: "none" }));
const unknown = await refused(new Octokit({ baseUrl, auth: "wrong" }).rest.users.getAuthenticated());

process.stdout.write(
  JSON.stringify({
    login: user.data.login,
    repository: { name: found.data.full_name, private: found.data.private, branch: found.data.default_branch },
    branches: branches.map((each) => each.name),
    firstPage: page.data.length,
    link: page.headers.link,
    written: written.status,
    read: Buffer.from(read.data.content, "base64").toString(),
    pull: { status: pull.status, number: pull.data.number },
    twice,
    comments: comments.data.map((each) => each.body),
    open: open.data.map((each) => each.title),
    merged: merged.data.merged,
    compared: { status: compared.data.status, files: compared.data.files.map((each) => each.patch) },
    key: Buffer.from(key.data.key, "base64").length,
    unsealed,
    variables: variables.map((each) => each.value),
    unchanged: unchanged?.status,
    renamed: renamed.data.full_name,
    followed: followed.data.full_name,
    none,
    unknown,
  }),
);
