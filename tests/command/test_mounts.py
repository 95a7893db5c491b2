"""Which mounted filesystem holds a path, and what it is."""

import os

from mezeo_fsstore.admin.mounts import mount_of
from mezeo_fsstore.compat import native_name
from tests.support import RootTestCase, mock, mounted

TABLE = b'''\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
22 27 0:21 / /proc rw,relatime - proc proc rw
30 27 8:1 / /srv rw,noatime shared:5 master:1 - xfs /dev/sda1 rw,attr2,inode64
31 30 0:40 / /srv/volume rw,nosuid - nfs4 files:/export rw,vers=4.2,lookupcache=pos,hard
32 27 0:41 / /mnt/with\\040blank\\134and\\012line rw - fuse.sshfs me@there:/ rw,user_id=0
33 27 0:42 / /mnt/once rw - tmpfs one rw
34 33 0:43 / /mnt/once rw - btrfs two rw
'''


class MountTest(RootTestCase):

    def kind(self, path, table=TABLE):
        # No link of this machine has a say.
        with mock.patch('os.path.realpath', lambda path: path):
            mount = mount_of(path, table)
        return mount and mount.kind

    def test_it_is_the_deepest_that_holds_the_path(self):
        for path, kind in (('/', 'ext4'), ('/home', 'ext4'), ('/srv', 'xfs'), ('/srv/a', 'xfs'),
                           ('/srvolume', 'ext4'), ('/srv/volume', 'nfs4'), ('/srv/volume2', 'xfs'),
                           ('/srv/volume/a/b', 'nfs4'), ('/proc/self', 'proc')):
            self.assertEqual(kind, self.kind(path), path)

    def test_the_options_of_the_mount_and_of_the_filesystem_are_told(self):
        mount = mount_of('/srv/volume', TABLE)
        self.assertEqual(('/srv/volume', frozenset([
            'rw', 'nosuid', 'vers=4.2', 'lookupcache=pos', 'hard'])), (mount.point, mount.options))

    def test_what_is_octal_in_the_table_is_a_character(self):
        self.assertEqual('fuse.sshfs', self.kind('/mnt/with blank\\and\nline/root'))

    def test_of_two_on_one_point_the_later_counts(self):
        self.assertEqual('btrfs', self.kind('/mnt/once/root'))
        # And so if the kernel has not said which lies on which.
        self.assertEqual('btrfs', self.kind('/mnt/once/root', TABLE.replace(b'34 33', b'34 27')))

    def test_a_mount_that_another_has_covered_does_not_count(self):
        covered = TABLE + b'40 30 0:50 / /srv rw - ext2 /dev/sdb rw\n'
        self.assertEqual('ext2', self.kind('/srv/volume/a', covered))

    def test_the_first_of_all_may_lie_on_itself(self):
        table = TABLE.replace(b'27 1 ', b'27 27 ')
        self.assertEqual(['ext4', 'xfs'], [self.kind(path, table) for path in ('/home', '/srv/a')])

    def test_where_the_system_does_not_tell_there_is_none(self):
        self.assertEqual(None, mount_of('/srv', b''))
        with mock.patch('mezeo_fsstore.admin.mounts._TABLE', os.path.join(self.folder, 'missing')):
            self.assertEqual(None, mount_of('/srv'))

    def test_a_path_behind_a_symbolic_link_is_where_it_leads(self):
        for name in (b'plain', b'blank and \xc3\xb6\xff'):
            folder = os.path.join(self.folder, native_name(name))
            os.mkdir(folder)
            link = os.path.join(self.folder, 'link')
            os.symlink(folder, link)
            with mounted(self, 'tmpfs', folder, 'size=1m,noatime'):
                mount = mount_of(os.path.join(link, 'root'))
                self.assertEqual(('tmpfs', os.path.realpath(folder)), (mount.kind, mount.point))
                self.assertTrue('noatime' in mount.options and 'size=1024k' in mount.options)
            os.unlink(link)
