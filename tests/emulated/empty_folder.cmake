# cmake -D folder=<folder> -P empty_folder.cmake
file(REMOVE_RECURSE ${folder})
file(MAKE_DIRECTORY ${folder})
