declare module "*.yml" {
  const words: import("./wording.ts").Words;
  export default words;
}
