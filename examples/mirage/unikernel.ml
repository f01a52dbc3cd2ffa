open Lwt.Infix

module Main (Stack : Tcpip.Stack.V4V6) = struct
  let page = "Hello from MirageOS\n"

  let answer =
    Printf.sprintf
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
      (String.length page) page

  (* Whatever was asked for. *)
  let serve flow =
    Stack.TCP.read flow >>= fun _ ->
    Stack.TCP.write flow (Cstruct.of_string answer) >>= fun _ -> Stack.TCP.close flow

  let start stack =
    Stack.TCP.listen (Stack.tcp stack) ~port:8080 serve;
    Stack.listen stack
end
