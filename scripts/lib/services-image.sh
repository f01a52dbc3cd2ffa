# Sourced: an image with the distribution's own Nginx, PHP and MariaDB, made once and kept in the cache as a tarball
# for `docker import`. The packages are only unpacked: none of them is set up, and no users but two are made.
# The name carries the recipe's version: raise it when anything here changes.

services_image=$cache/services-v1.tar

need_services_image() {
  [ -e "$services_image" ] && return
  quietly "making an image with Nginx, PHP and MariaDB (once, about 20 seconds)" make_services_image
}

make_services_image() (
  set -e
  shopt -s nullglob
  rm -f "$cache"/services-*.tar
  work=$(mktemp -d "$cache/services.XXXXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/archives/partial" "$work/tree/dev"
  # Where nothing is installed, all that the packages need is fetched with them.
  : >"$work/status"
  apt update
  apt -o "Dir::State::status=$work/status" -o "Dir::Cache::archives=$work/archives" -o Dir::Cache::pkgcache= \
    -o Debug::NoLocking=1 install -y --no-install-recommends --download-only \
    nginx php-fpm php-mysql mariadb-server-core mariadb-client-core base-files dash coreutils sed
  cd "$work/tree"
  # First the links that newer distributions have in place of these folders.
  dpkg-deb --fsys-tarfile "$work"/archives/base-files_*.deb | tar -x
  for package in "$work"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink \
      --exclude=./usr/share/{bash-completion,doc,info,locale,man,perl}
  done
  printf '%s\n' root:x:0:0::/root:/bin/sh daemon:x:1:1::/:/bin/false >etc/passwd
  printf '%s\n' root:x:0: daemon:x:1: >etc/group
  (cd usr/sbin && ln -s php-fpm?.? php-fpm)
  printf 'extension=%s\n' pdo mysqlnd pdo_mysql >"$(echo etc/php/*/fpm/conf.d)/mysql.ini"
  cat >etc/mysql/my.cnf <<'MARIADB'
[mariadbd]
user = root
datadir = /var/lib/mysql
socket = /run/mariadb.sock
skip-name-resolve
innodb-log-file-size = 4M
innodb-buffer-pool-size = 8M
MARIADB
  mkdir -p run/php var/lib/mysql var/lib/nginx var/log/nginx
  printf '%s;\n' "FLUSH PRIVILEGES" "CREATE USER rump@'%'" "GRANT ALL ON *.* TO rump@'%'" >tmp/users.sql
  mknod dev/null c 1 3
  # Without --force it gives up where no name server knows the machine's name.
  chroot . mariadb-install-db --force --user=root --skip-test-db --extra-file=/tmp/users.sql
  rm dev/null tmp/users.sql
  tar -cf "$work/tar" .
  mv "$work/tar" "$services_image"
)
