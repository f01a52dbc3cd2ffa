open Cmdliner

(* MirageOS has no environment: what a unikernel is to be told are options of its own. *)
let greeting =
  Mirage_runtime.register_arg
    Arg.(value & opt string "hi" (info ~doc:"What to say." [ "greeting" ]))

let start () =
  print_endline ("hello from MirageOS, the greeting is " ^ greeting ());
  Lwt.return_unit
