declare module "*/build/init" {
  const path: string;
  export default path;
}
