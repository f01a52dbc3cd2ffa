//! Says hello, its arguments and a variable.
#[cfg(target_os = "hermit")]
use hermit as _;

fn main() {
    println!("hello from Hermit, GREETING is {}", std::env::var("GREETING").unwrap_or_default());
    for (i, word) in std::env::args().enumerate().skip(1) {
        println!("argument {i} is {word}");
    }
}
